#include "opaline/paillier/key_files.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/file.h"

namespace opaline {
namespace {

using Json = nlohmann::json;

/// A 8192-bit secret key with everything in it is below 8 KiB.
constexpr std::size_t kKeyFileLimit = 64 << 10;

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Error(ErrorKind::damaged, name + ": " + why);
}

/// A parsed document whose texts are wiped when it goes.
class KeyDocument {
 public:
  KeyDocument(ByteView text, const std::string& name) : name_(name) {
    if (text.size() > kKeyFileLimit) throw Error(ErrorKind::too_large, name + ": too large for a key file");
    json_ = Json::parse(text.begin(), text.end(), nullptr, false);
    if (!json_.is_object()) refuse(name, "not a key file (not a JSON object)");
  }
  KeyDocument(const KeyDocument&) = delete;
  KeyDocument& operator=(const KeyDocument&) = delete;
  ~KeyDocument() { wipe_texts(json_, kLevels); }

  const Json& json() const { return json_; }
  const std::string& name() const { return name_; }

 private:
  /// A key's texts stand at most three levels deep; a hostile file may be nested as deeply as it is long.
  static constexpr int kLevels = 3;

  static void wipe_texts(Json& value, int levels) {
    if (auto* const text = value.get_ptr<std::string*>()) wipe(text->data(), text->size());
    if (levels == 0) return;
    if (auto* const elements = value.get_ptr<Json::array_t*>()) {
      for (Json& element : *elements) wipe_texts(element, levels - 1);
    }
    if (auto* const members = value.get_ptr<Json::object_t*>()) {
      for (auto& [name, member] : *members) wipe_texts(member, levels - 1);
    }
  }

  Json json_;
  std::string name_;
};

const Json& member(const Json& object, const char* key, const std::string& name) {
  const auto found = object.find(key);
  if (found == object.end()) refuse(name, std::string("not a complete key file: '") + key + "' is missing");
  return *found;
}

SecretInteger number(const Json& object, const char* key, const std::string& name) {
  const Json& text = member(object, key, name);
  const auto* digits = text.get_ptr<const std::string*>();
  // Four letters of base64 are three bytes; p² is as long as n, the longest number there is.
  if (digits == nullptr || digits->size() > kLargestKeyBits / 8 / 3 * 4 + 8) {
    refuse(name, std::string("'") + key + "' is not a number of a key");
  }
  try {
    Bytes bytes = from_base64url(*digits);
    SecretInteger value(from_bytes(bytes));
    wipe(bytes.data(), bytes.size());
    return value;
  } catch (const Error& error) {
    refuse(name, std::string("'") + key + "': " + error.what());
  }
}

void check_type(const Json& object, const std::string& name) {
  if (member(object, "kty", name) != "DAJ") refuse(name, "not a Paillier key (kty is not \"DAJ\")");
}

void check_algorithm(const Json& object, const std::string& name) {
  check_type(object, name);
  if (member(object, "alg", name) != "PAI-GN1") refuse(name, "unknown algorithm (alg is not \"PAI-GN1\")");
}

bool is_secret(const Json& object) { return object.contains("p") || object.contains("q"); }

/// Runs a check of keys.h, putting the file's name before what it says.
template <typename Check>
auto named(const std::string& name, const Check& check) {
  try {
    return check();
  } catch (const Error& error) {
    throw Error(error.kind(), name + ": " + error.what());
  }
}

/// A wrong bit of n can leave a number that could be a key; files of ours tell.
void check_fingerprint(const Json& object, const PublicKey& key, const std::string& name) {
  const auto ours = object.find("opaline");
  if (ours == object.end()) return;
  if (!ours->is_object() || member(*ours, "fingerprint", name) != to_hex(key.fingerprint())) {
    refuse(name, "altered or damaged (n does not have the fingerprint written beside it)");
  }
}

PublicKey public_part(const Json& object, const std::string& name) {
  check_algorithm(object, name);
  const SecretInteger n = number(object, "n", name);
  PublicKey key = named(name, [&] { return PublicKey(n.get()); });
  check_fingerprint(object, key, name);
  return key;
}

std::string key_id(const PublicKey& key, const char* kind) {
  return std::string("Paillier ") + kind + " key, " + std::to_string(key.bits()) + " bits, " +
         to_hex(ByteView(key.fingerprint()).first(8));
}

Json to_object(const PublicKey& key) {
  return {{"kty", "DAJ"},
          {"alg", "PAI-GN1"},
          {"key_ops", {"encrypt"}},
          {"n", to_base64url(to_bytes(key.n()))},
          {"kid", key_id(key, "public")},
          {"opaline", {{"fingerprint", to_hex(key.fingerprint())}}}};
}

/// JSON text that is wiped after use.
class SecretText {
 public:
  SecretText& operator<<(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }

  SecretText& operator<<(const Integer& secret) {
    Bytes bytes = to_bytes(secret);
    std::string digits = to_base64url(bytes);
    *this << "\"" << digits << "\"";
    wipe(bytes.data(), bytes.size());
    wipe(digits.data(), digits.size());
    return *this;
  }

  SecretBytes take() { return std::move(bytes_); }

 private:
  SecretBytes bytes_;
};

SecretKey secret_key_from(const KeyDocument& document) {
  const std::string& name = document.name();
  const Json& json = document.json();
  check_type(json, name);
  if (!is_secret(json)) refuse(name, "a public key; a secret key (.key) is needed here");
  SecretInteger p = number(json, "p", name);
  SecretInteger q = number(json, "q", name);
  const Json& pub = member(json, "pub", name);
  if (!pub.is_object()) refuse(name, "'pub' is not an object");
  check_algorithm(pub, name);
  if (p.get() * q.get() != number(pub, "n", name).get()) {
    throw Error(ErrorKind::invalid_key, name + ": n is not p times q");
  }
  SecretKey key = named(name, [&] {
    const auto ours = json.find("opaline");
    if (ours == json.end()) return SecretKey::from_primes(std::move(p), std::move(q));
    if (!ours->is_object()) refuse("'opaline'", "not an object");
    const auto part = [&](const char* of) { return number(*ours, of, "'opaline'"); };
    SecretKey::Generator generator_p{part("h_p"), part("k_p")};
    SecretKey::Generator generator_q{part("h_q"), part("k_q")};
    return SecretKey::from_primes(std::move(p), std::move(q), std::move(generator_p), std::move(generator_q));
  });
  check_fingerprint(pub, key.public_key(), name);
  return key;
}

KeyDocument read_document(const std::filesystem::path& path) {
  return {read_secret_file(path, kKeyFileLimit), path.string()};
}

}  // namespace

std::string to_json(const PublicKey& key) { return to_object(key).dump(2) + "\n"; }

PublicKey public_key_from_json(ByteView json, const std::string& name) {
  const KeyDocument document(json, name);
  const Json& object = document.json();
  if (!is_secret(object)) return public_part(object, name);
  const Json& pub = member(object, "pub", name);
  if (!pub.is_object()) refuse(name, "'pub' is not an object");
  return public_part(pub, name);
}

SecretBytes to_json(const SecretKey& key) {
  SecretText text;
  text << "{\n  \"kty\": \"DAJ\",\n  \"key_ops\": [\"decrypt\"],\n  \"p\": " << key.p()
       << ",\n  \"q\": " << key.q() << ",\n  \"pub\": " << to_object(key.public_key()).dump()
       << ",\n  \"kid\": \"" << key_id(key.public_key(), "private") << "\"";
  if (key.generator_p() && key.generator_q()) {
    text << ",\n  \"opaline\": {\n    \"h_p\": " << key.generator_p()->h.get()
         << ",\n    \"k_p\": " << key.generator_p()->k.get()
         << ",\n    \"h_q\": " << key.generator_q()->h.get()
         << ",\n    \"k_q\": " << key.generator_q()->k.get() << "\n  }";
  }
  text << "\n}\n";
  return text.take();
}

SecretKey secret_key_from_json(ByteView json, const std::string& name) {
  return secret_key_from(KeyDocument(json, name));
}

void write_key(const std::filesystem::path& path, const PublicKey& key) {
  write_file(path, as_bytes(to_json(key)), FileMode::everyone);
}

void write_key(const std::filesystem::path& path, const SecretKey& key) {
  write_file(path, to_json(key), FileMode::owner_only);
}

SecretKey read_secret_key(const std::filesystem::path& path) { return secret_key_from(read_document(path)); }

PublicKey read_public_key(const std::filesystem::path& path) {
  return public_key_from_json(read_secret_file(path, kKeyFileLimit), path.string());
}

bool holds_secret_key(const std::filesystem::path& path) { return is_secret(read_document(path).json()); }

}  // namespace opaline
