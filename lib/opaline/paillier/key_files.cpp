#include "opaline/paillier/key_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/base/secret_base64.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/paillier/key_document.h"
#include "opaline/paillier/key_encryption.h"
#include "opaline/paillier/key_rules.h"
#include "opaline/paillier/named_errors.h"

namespace opaline {
namespace {

using Json = nlohmann::json;

SecretInteger number(const KeyDocument& document, const Json& object, const char* key) {
  const SecretBytes* const digits = document.text(document.member(object, key));
  // Four letters of base64 are three bytes; p² is as long as n, the longest number there is.
  if (digits == nullptr || digits->size() > kLargestKeyBits / 8 / 3 * 4 + 8) {
    document.refuse(std::string("'") + key + "' is not a number of a key");
  }
  try {
    const SecretBytes bytes = decode_secret_base64url(*digits);
    WordVector words(words_for(8 * bytes.size()));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      words[i / 8] |= Word{bytes[bytes.size() - 1 - i]} << (8 * (i % 8));
    }
    return SecretInteger(std::move(words));
  } catch (const Error& error) {
    document.refuse(std::string("'") + key + "': " + error.what());
  }
}

void check_type(const KeyDocument& document, const Json& object) {
  if (!document.says(document.member(object, "kty"), "DAJ")) {
    document.refuse("not a Paillier key (kty is not \"DAJ\")");
  }
}

void check_algorithm(const KeyDocument& document, const Json& object) {
  check_type(document, object);
  if (!document.says(document.member(object, "alg"), "PAI-GN1")) {
    document.refuse("unknown algorithm (alg is not \"PAI-GN1\")");
  }
}

bool is_secret(const Json& object) { return object.contains("p") || object.contains("q"); }

/// The public key in a secret one's file.
const Json& public_member(const KeyDocument& document) {
  const Json& pub = document.member(document.root(), "pub");
  if (!pub.is_object()) document.refuse("'pub' is not an object");
  return pub;
}

/// A wrong bit of n can leave a number that could be a key; files of ours tell.
void check_fingerprint(const KeyDocument& document, const Json& object, const PublicKey& key) {
  const auto ours = object.find("opaline");
  if (ours == object.end()) return;
  if (!ours->is_object() ||
      !document.says(document.member(*ours, "fingerprint"), to_hex(key.fingerprint()))) {
    document.refuse("altered or damaged (n does not have the fingerprint written beside it)");
  }
}

/// The proof that files of ours carry beside the fingerprint.
std::optional<KeyProof> proof_in(const KeyDocument& document, const Json& object) {
  const auto ours = object.find("opaline");
  if (ours == object.end() || !ours->contains("proof")) return std::nullopt;
  const SecretBytes* const digits = document.text(*ours->find("proof"));
  if (digits == nullptr || digits->size() > kLargestKeyProof / 3 * 4 + 8) {
    document.refuse("'proof' is not the proof of a key");
  }
  const std::string text(digits->begin(), digits->end());
  return with_name(document.name() + ": 'proof'", [&] { return KeyProof{from_base64url(text)}; });
}

PublicKey public_part(const KeyDocument& document, const Json& object) {
  check_algorithm(document, object);
  const SecretInteger n = number(document, object, "n");
  declassify(n.words());
  PublicKey key = with_name(document.name(), [&] { return PublicKey(n.value()); });
  check_fingerprint(document, object, key);
  if (auto proof = proof_in(document, object)) {
    return with_name(document.name(), [&] { return key.with_proof(*std::move(proof)); });
  }
  return key;
}

std::string key_id(const PublicKey& key, const char* kind) {
  return std::string("Paillier ") + kind + " key, " + std::to_string(key.bits()) + " bits, " +
         to_hex(ByteView(key.fingerprint()).first(8));
}

Json to_object(const PublicKey& key, KeyMembers members) {
  Json object = {{"kty", "DAJ"},
                 {"alg", "PAI-GN1"},
                 {"key_ops", {"encrypt"}},
                 {"n", to_base64url(to_bytes(key.n()))},
                 {"kid", key_id(key, "public")}};
  if (members == KeyMembers::of_pheutil) return object;
  Json& ours = object["opaline"] = {{"fingerprint", to_hex(key.fingerprint())}};
  if (key.proof() != nullptr) ours["proof"] = to_base64url(key.proof()->roots);
  return object;
}

/// JSON text that is wiped after use.
class SecretText {
 public:
  SecretText& operator<<(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }

  /// Shortest big-endian bytes in base64url.
  SecretText& operator<<(const SecretInteger& secret) {
    const std::size_t size = (public_bit_length(secret.words()) + 7) / 8;
    SecretBytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
      bytes[size - 1 - i] = static_cast<std::uint8_t>(secret.words()[i / 8] >> (8 * (i % 8)));
    }
    const SecretBytes digits = encode_secret_base64url(bytes);
    *this << "\"";
    bytes_.insert(bytes_.end(), digits.begin(), digits.end());
    return *this << "\"";
  }

  SecretBytes take() { return std::move(bytes_); }

 private:
  SecretBytes bytes_;
};

bool is_product(std::span<const Word> n, std::span<const Word> p, std::span<const Word> q) {
  WordVector product(std::max(p.size() + q.size(), n.size()));
  if (!p.empty() && !q.empty()) multiply(std::span(product).first(p.size() + q.size()), p, q);
  WordVector wide(product.size());
  std::copy(n.begin(), n.end(), wide.begin());
  return declassified(is_equal(product, wide)) == 1;
}

/// The numbers that are secret, and what is proved of them.
SecretKey bare_key_from(const KeyDocument& document, SecretInteger p, SecretInteger q) {
  const auto ours = document.root().find("opaline");
  if (ours == document.root().end()) {
    return with_name(document.name(), [&] { return SecretKey::from_primes(std::move(p), std::move(q)); });
  }
  if (!ours->is_object()) document.refuse("'opaline': not an object");
  SecretKey::Generator generator_p{number(document, *ours, "h_p"), number(document, *ours, "k_p")};
  SecretKey::Generator generator_q{number(document, *ours, "h_q"), number(document, *ours, "k_q")};
  return with_name(document.name(), [&] {
    return SecretKey::from_primes(std::move(p), std::move(q), std::move(generator_p), std::move(generator_q));
  });
}

SecretKey secret_key_from(const KeyDocument& document) {
  const Json& root = document.root();
  check_type(document, root);
  if (!is_secret(root)) document.refuse("a public key; a secret key (.key) is needed here");
  SecretInteger p = number(document, root, "p");
  SecretInteger q = number(document, root, "q");
  const Json& pub = public_member(document);
  check_algorithm(document, pub);
  if (!is_product(number(document, pub, "n").words(), p.words(), q.words())) {
    throw InvalidKey(KeyRule::product, document.name() + ": n is not p times q");
  }
  SecretKey key = bare_key_from(document, std::move(p), std::move(q));
  check_fingerprint(document, pub, key.public_key());
  if (auto proof = proof_in(document, pub)) {
    return with_name(document.name(), [&] { return std::move(key).with_proof(*std::move(proof)); });
  }
  return key;
}

PublicKey public_key_from(const KeyDocument& document) {
  return public_part(document, is_secret(document.root()) ? public_member(document) : document.root());
}

/// A file as it is, and who may use it.
struct KeyFile {
  SecretBytes bytes;
  unsigned permissions;
};

KeyFile read_file_of_key(const std::filesystem::path& path) {
  FileReader file(path);
  if (file.left() > KeyDocument::kLimit) {
    throw Error(ErrorKind::too_large, path.string() + ": too large for a key file");
  }
  KeyFile key{SecretBytes(static_cast<std::size_t>(file.left())), file.permissions()};
  file.read(key.bytes);
  return key;
}

void check_permissions(const std::filesystem::path& path, unsigned permissions, const KeyFileAccess& access) {
  constexpr unsigned others = 0077;
  if (access.others == KeyFileAccess::Others::tolerated || (permissions & others) == 0) return;
  throw Error(ErrorKind::io, path.string() + ": others than its owner may use this secret key; chmod 600 " +
                                 path.string() + ", or take it as it is with --allow-insecure-key-file");
}

/// The JSON of any key's file, decrypted if need be. Libraries and compilers put parts of what is copied on
/// the stack, here and below.
SecretBytes open_file(const std::filesystem::path& path, KeyFile file, const KeyFileAccess& access) {
  if (!is_encrypted(file.bytes)) return std::move(file.bytes);
  check_permissions(path, file.permissions, access);
  if (!access.passphrase) {
    throw Error(ErrorKind::authentication, path.string() + ": encrypted with a passphrase, which is needed");
  }
  const SecretBytes passphrase = access.passphrase(path);
  SecretBytes json;
  run_in_secret_thread([&] { json = decrypt_with_passphrase(file.bytes, passphrase, path.string()); });
  return json;
}

/// What `read` makes of a file's document, in which nothing secret is anybody else's to use.
template <typename Key>
Key read_document(const std::filesystem::path& path, const KeyFileAccess& access,
                  Key (*read)(const KeyDocument&)) {
  KeyFile file = read_file_of_key(path);
  const unsigned permissions = file.permissions;
  const SecretBytes json = open_file(path, std::move(file), access);
  std::optional<Key> key;
  run_in_secret_thread([&] {
    const KeyDocument document(json, path.string());
    if (is_secret(document.root())) check_permissions(path, permissions, access);
    key = read(document);
  });
  return *std::move(key);
}

}  // namespace

std::string to_json(const PublicKey& key, KeyMembers members) {
  return to_object(key, members).dump(2) + "\n";
}

PublicKey public_key_from_json(ByteView json, const std::string& name) {
  return public_key_from(KeyDocument(json, name));
}

namespace {

SecretBytes text_of(const SecretKey& key, KeyMembers members) {
  SecretText text;
  text << "{\n  \"kty\": \"DAJ\",\n  \"key_ops\": [\"decrypt\"],\n  \"p\": " << key.p()
       << ",\n  \"q\": " << key.q() << ",\n  \"pub\": " << to_object(key.public_key(), members).dump()
       << ",\n  \"kid\": \"" << key_id(key.public_key(), "private") << "\"";
  if (members == KeyMembers::all && key.generator_p() && key.generator_q()) {
    text << ",\n  \"opaline\": {\n    \"h_p\": " << key.generator_p()->h
         << ",\n    \"k_p\": " << key.generator_p()->k << ",\n    \"h_q\": " << key.generator_q()->h
         << ",\n    \"k_q\": " << key.generator_q()->k << "\n  }";
  }
  text << "\n}\n";
  return text.take();
}

}  // namespace

// Compilers put parts of what is copied on the stack.
SecretBytes to_json(const SecretKey& key, KeyMembers members) {
  SecretBytes text;
  run_in_secret_thread([&] { text = text_of(key, members); });
  return text;
}

SecretKey secret_key_from_json(ByteView json, const std::string& name) {
  std::optional<SecretKey> key;
  run_in_secret_thread([&] { key = secret_key_from(KeyDocument(json, name)); });
  return *std::move(key);
}

void write_key(const std::filesystem::path& path, const PublicKey& key) {
  write_file(path, as_bytes(to_json(key)), FileMode::everyone);
}

void write_key(const std::filesystem::path& path, const SecretKey& key) {
  write_file(path, to_json(key), FileMode::owner_only);
}

SecretBytes key_file(const SecretKey& key, const std::optional<SecretBytes>& passphrase) {
  SecretBytes json = to_json(key);
  if (!passphrase) return json;
  std::string encrypted;
  run_in_secret_thread([&] { encrypted = encrypt_with_passphrase(json, *passphrase); });
  return {encrypted.begin(), encrypted.end()};
}

SecretKey read_secret_key(const std::filesystem::path& path, const KeyFileAccess& access) {
  return read_document(path, access, secret_key_from);
}

PublicKey read_public_key(const std::filesystem::path& path, const KeyFileAccess& access) {
  return read_document(path, access, public_key_from);
}

bool holds_secret_key(const std::filesystem::path& path) {
  const KeyFile file = read_file_of_key(path);
  return is_encrypted(file.bytes) || is_secret(KeyDocument(file.bytes, path.string()).root());
}

bool is_encrypted_key(const std::filesystem::path& path) {
  return is_encrypted(read_file_of_key(path).bytes);
}

}  // namespace opaline
