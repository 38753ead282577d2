// Key files under a passphrase: CMS that OpenSSL's own command opens (tests/end_to_end/key_files_test.py),
// whole or not at all.

#include "opaline/paillier/key_encryption.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "opaline/base/file.h"
#include "opaline/paillier/key_files.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// Of {"kty":"DAJ"} under "correct horse", with 2048 iterations so that it opens in no time.
const std::string kQuick =
    "-----BEGIN CMS-----\n"
    "MIHqBgsqhkiG9w0BCRABF6CB2jCB1wIBADGBg6OBgAIBAKAbBgkqhkiG9w0BBQww\n"
    "DgQIKOAjvCS+iecCAggAMCwGCyqGSIb3DQEJEAMJMB0GCWCGSAFlAwQBKgQQ4yzZ\n"
    "UODlrvTZKo/2l7h0PwQwsvzlW/S77joqPJgB0u2QQGJfg/pICjqRQuJyPHn9SZS3\n"
    "/t45u5uSwNsL9hpbPYlxMDoGCSqGSIb3DQEHATAeBglghkgBZQMEAS4wEQQM7dma\n"
    "wdCaQ5J7jaMJAgEQgA2G0d+HEDY/GBPslAxuBBDCXklMN/1928Zw6Vc1t5A/\n"
    "-----END CMS-----\n";
constexpr std::size_t kLengthOfLabel = 20;

constexpr const char* kPassphrase = "correct horse battery staple";

std::string decrypted(const std::string& file, const std::string& passphrase) {
  const SecretBytes text = decrypt_with_passphrase(as_bytes(file), as_bytes(passphrase), "a.key");
  return {text.begin(), text.end()};
}

std::optional<ErrorKind> refusal(const std::string& file, const std::string& passphrase = "correct horse") {
  const auto error = error_of([&] { decrypted(file, passphrase); });
  if (!error) return std::nullopt;
  CAPTURE(error->what());
  CHECK(std::string(error->what()).rfind("a.key: ", 0) == 0);
  return error->kind();
}

/// A PEM file around bytes.
std::string pem(ByteView der) {
  std::string text = to_base64(der);
  for (std::size_t i = 64; i < text.size(); i += 65) text.insert(i, 1, '\n');
  return "-----BEGIN CMS-----\n" + text + "\n-----END CMS-----\n";
}

Bytes quick_der() {
  std::string text = kQuick.substr(kLengthOfLabel, kQuick.find("-----END") - kLengthOfLabel);
  std::erase(text, '\n');
  return from_base64(text);
}

KeyFileAccess with(const std::string& passphrase) {
  KeyFileAccess access;
  access.passphrase = [passphrase](const std::filesystem::path& /*file*/) {
    return SecretBytes(passphrase.begin(), passphrase.end());
  };
  return access;
}

}  // namespace

TEST_CASE("what is encrypted with a passphrase opens with that one only") {
  const std::string secret = "{ something\nto hide }";
  const std::string file = encrypt_with_passphrase(as_bytes(secret), as_bytes(kPassphrase));
  CHECK(is_encrypted(as_bytes(file)));
  CHECK(file.find("hide") == std::string::npos);
  CHECK(decrypted(file, kPassphrase) == secret);
  CHECK(refusal(file, std::string(kPassphrase) + " ") == ErrorKind::authentication);
}

TEST_CASE("a file made by another program of libcrypto's opens") {
  CHECK(decrypted(kQuick, "correct horse") == R"({"kty":"DAJ"})");
  CHECK(decrypted(pem(quick_der()), "correct horse") == R"({"kty":"DAJ"})");
  for (const char* const wrong : {"", "Correct horse", "correct hors", "correct horse ", "x"}) {
    CHECK(refusal(kQuick, wrong) == ErrorKind::authentication);
  }
}

TEST_CASE("passphrases that are too short or too long are refused") {
  const auto kind_with = [](std::size_t length) {
    const std::string passphrase(length, 'x');
    return kind_of([&] { encrypt_with_passphrase(as_bytes("secret"), as_bytes(passphrase)); });
  };
  for (const std::size_t length : {std::size_t{0}, kShortestPassphrase - 1, kLongestPassphrase + 1}) {
    CHECK(kind_with(length) == ErrorKind::invalid_argument);
  }
}

TEST_CASE("an encrypted file with any byte changed is refused") {
  const Bytes der = quick_der();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < der.size(); ++i) {
    for (const unsigned mask : {0x01U, 0x80U}) {
      Bytes changed = der;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ mask);
      CAPTURE(i, mask);
      if (refusal(pem(changed))) {
        ++refused;
      } else {  // versions and names that say nothing
        CHECK(decrypted(pem(changed), "correct horse") == R"({"kty":"DAJ"})");
      }
    }
  }
  CHECK(refused > 2 * der.size() * 9 / 10);
}

TEST_CASE("an encrypted file cut off anywhere is refused") {
  const Bytes der = quick_der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    CAPTURE(size);
    CHECK(refusal(pem(ByteView(der).first(size))));
    if (size + 1 < kQuick.size()) CHECK(refusal(kQuick.substr(0, size)));
  }
}

TEST_CASE("a tag that is cut short is refused") {
  // The tag is the last of four nested elements, whose lengths have one byte or two.
  Bytes der = quick_der();
  REQUIRE(der[der.size() - 18] == 0x04);
  REQUIRE(der[der.size() - 17] == 16);
  der[der.size() - 17] = 4;
  der.resize(der.size() - 12);
  for (const std::size_t length : {2U, 18U, 21U}) der[length] = static_cast<std::uint8_t>(der[length] - 12);
  const auto error = error_of([&] { decrypted(pem(der), "correct horse"); });
  REQUIRE(error);
  CHECK(std::string(error->what()) == "a.key: its tag is not whole");
}

TEST_CASE("a file that would be hashed for hours is refused before") {
  // The iterations are the three bytes from `at` on: 02 02 08 00, in place of which stands a longer number.
  const Bytes der = quick_der();
  const Bytes iterations = {0x02, 0x02, 0x08, 0x00};
  const auto found = std::search(der.begin(), der.end(), iterations.begin(), iterations.end());
  REQUIRE(found != der.end());
  // Without lengthening it: 65535 is the most that fits, and opens to nothing quickly.
  Bytes most = der;
  most[static_cast<std::size_t>(found - der.begin()) + 2] = 0x7f;
  CHECK(refusal(pem(most)) == ErrorKind::authentication);
  // The salt is eight bytes before; of a shorter one there is room for 2^55 iterations.
  Bytes slow = der;
  const auto at = static_cast<std::size_t>(found - der.begin());
  REQUIRE(slow[at - 10] == 0x04);
  REQUIRE(slow[at - 9] == 8);
  slow[at - 9] = 2;  // the salt's length; six bytes are left for the number
  slow[at - 6] = 0x02;
  slow[at - 5] = 8;
  slow[at - 4] = 0x01;
  CHECK(refusal(pem(slow)) == ErrorKind::too_large);
}

TEST_CASE("what is no such file is refused") {
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("-----BEGIN CMS-----"),
        std::string("-----BEGIN CMS-----\n-----END CMS-----\n"),
        std::string("-----BEGIN CMS-----\nMIIB\n-----END CMS-----\n"),
        std::string("-----BEGIN CMS-----\n!!!!\n-----END CMS-----\n"),
        std::string("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n"),
        std::string("-----BEGIN CMS-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END CMS-----\n")}) {
    CAPTURE(text);
    CHECK(refusal(text) == ErrorKind::damaged);
  }
  CHECK(refusal("-----BEGIN CMS-----\n" + std::string(200000, 'A')) == ErrorKind::too_large);
  CHECK(refusal(pem(Bytes(5000, 0x30))) == ErrorKind::damaged);
}

TEST_CASE("a secret key's file opens with its passphrase") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "alice.key";
  const std::string passphrase = kPassphrase;
  write_file(path, key_file(sample_key(), SecretBytes(passphrase.begin(), passphrase.end())),
             FileMode::owner_only);
  CHECK(holds_secret_key(path));
  CHECK(is_encrypted_key(path));
  CHECK(read_secret_key(path, with(passphrase)).p().value() == sample_key().p().value());
  // Without one to ask, no time is lost.
  CHECK(kind_of([&] { read_secret_key(path); }) == ErrorKind::authentication);
  CHECK(kind_of([&] { read_public_key(path); }) == ErrorKind::authentication);
  std::filesystem::permissions(path, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  CHECK(kind_of([&] { read_secret_key(path, with(passphrase)); }) == ErrorKind::io);
}

TEST_CASE("what is encrypted but no key is refused") {
  const TemporaryFolder folder;
  write_file(folder / "a.key", as_bytes(kQuick), FileMode::owner_only);
  CHECK(kind_of([&] { read_secret_key(folder / "a.key", with("correct horse")); }) == ErrorKind::damaged);
}

TEST_CASE("a secret key's file that others may use is refused, with what helps") {
  using std::filesystem::perms;
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "alice.key";
  write_key(path, sample_key());
  KeyFileAccess tolerant;
  tolerant.others = KeyFileAccess::Others::tolerated;
  for (const perms right : {perms::group_read, perms::group_write, perms::group_exec, perms::others_read,
                            perms::others_write, perms::others_exec}) {
    std::filesystem::permissions(path, perms::owner_read | perms::owner_write | right);
    const auto error = error_of([&] { read_secret_key(path); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::io);
    CHECK(std::string(error->what()).find("chmod 600 " + path.string()) != std::string::npos);
    CHECK(std::string(error->what()).find("--allow-insecure-key-file") != std::string::npos);
    CHECK(kind_of([&] { read_public_key(path); }) == ErrorKind::io);
    CHECK(holds_secret_key(path));
    CHECK(read_secret_key(path, tolerant).p().value() == sample_key().p().value());
    CHECK(read_public_key(path, tolerant) == sample_key().public_key());
  }
  for (const perms owner : {perms::owner_read, perms::owner_read | perms::owner_write, perms::owner_all}) {
    std::filesystem::permissions(path, owner);
    CHECK(read_secret_key(path).q().value() == sample_key().q().value());
  }
}
