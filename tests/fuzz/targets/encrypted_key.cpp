#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>

#include "fuzz/targets/targets.h"
#include "opaline/paillier/key_encryption.h"

namespace opaline::fuzz {
namespace {

constexpr std::string_view kPassphrase = "six random words";

struct Sample {
  std::string_view secret;
  std::string_view file;
};

// Made once as encrypt_with_passphrase does it, which takes other random numbers every time, but with 1000
// iterations and with 1: a run must not take half a second.
constexpr Sample kSamples[] = {
    {R"({"kty": "DAJ"})", R"(-----BEGIN CMS-----
MIHrBgsqhkiG9w0BCRABF6CB2zCB2AIBADGBg6OBgAIBAKAbBgkqhkiG9w0BBQww
DgQIGKbdvqgTDpgCAgPoMCwGCyqGSIb3DQEJEAMJMB0GCWCGSAFlAwQBKgQQgrWI
u4i+ukCledI8tP8agAQwE9gjS4BeqyvdtGyv7bXlBMdZkF+nM2BmlJgiiH14390v
wS8U3OIgAAur2VgTs8DcMDsGCSqGSIb3DQEHATAeBglghkgBZQMEAS4wEQQMA+if
SHISBRONCJFBAgEQgA77qXU/JThB3yeCXysASAQQBxAtSY9cRLZytWA/RnlH3Q==
-----END CMS-----
)"},
    {R"({"kty": "DAJ", "key_ops": ["decrypt"], "p": "5iZKAqLnjxCy6otkRFfbsj6BFahPaA2C", )"
     R"("q": "_4jZGKFKq0Wy9MeVP23j5kcxmb90iWCb"})",
     R"(-----BEGIN CMS-----
MIIBVgYLKoZIhvcNAQkQARegggFFMIIBQQIBADGBgaN/AgEAoBoGCSqGSIb3DQEF
DDANBAgKVoJpe0tuXwIBATAsBgsqhkiG9w0BCRADCTAdBglghkgBZQMEASoEEI1p
bbRsPCBL0Vqb4OH3FroEMMn7S1p0HB15WX+N0Te0QrpFifG5l+lfeAMj4ZsD+ixa
2oxtL3Pls4zxgV53Q4C05jCBpQYJKoZIhvcNAQcBMB4GCWCGSAFlAwQBLjARBAzw
s9o3cZ7EghBt/tkCARCAeLx97WBnLxnKpODimkryj0ISmUbYCKUR35ZjDnJQi5on
0m7FubSvwKWWt1+eREeG2cQMTHEEcvQk1AyqCS7d4koyIOPgaIpE8sK8EJ+d3EzV
G8KGjYZ8ifSrWm2ZKiA7w2F8zTARUZkPODaL21nDg1lao2vfrdGKuQQQvp8RTYEi
c7S8CV0a8oq89A==
-----END CMS-----
)"}};

constexpr std::string_view kFirstLine = "-----BEGIN CMS-----\n";
constexpr std::string_view kLastLine = "-----END CMS-----\n";
constexpr std::size_t kLetters = 64;  // a line

std::optional<Bytes> der_of(ByteView pem) {
  std::string text = text_of(pem);
  const std::size_t end = text.find(kLastLine);
  if (!text.starts_with(kFirstLine) || end == std::string::npos) return std::nullopt;
  text = text.substr(kFirstLine.size(), end - kFirstLine.size());
  text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
  try {
    return from_base64(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

Bytes pem_of(ByteView der) {
  std::string text(kFirstLine);
  const std::string letters = to_base64(der);
  for (std::size_t i = 0; i < letters.size(); i += kLetters) text += letters.substr(i, kLetters) + "\n";
  return bytes_of(text + std::string(kLastLine));
}

// Whether it is opened in milliseconds, or refused for its iterations: what stands between takes seconds.
bool is_quick(ByteView der) {
  constexpr std::array<std::uint8_t, 9> pbkdf2 = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c};
  constexpr std::uint64_t few = 10'000;
  constexpr std::uint64_t refused = 10'000'000;
  const auto name = std::search(der.begin(), der.end(), pbkdf2.begin(), pbkdf2.end());
  if (name == der.end()) return true;
  const ByteView rest = der.subspan(static_cast<std::size_t>(name - der.begin()) + pbkdf2.size());
  const unsigned char* at = rest.data();
  const std::unique_ptr<PBKDF2PARAM, decltype(&::PBKDF2PARAM_free)> parameters(
      ::d2i_PBKDF2PARAM(nullptr, &at, static_cast<long>(rest.size())), ::PBKDF2PARAM_free);
  ::ERR_clear_error();
  std::uint64_t iterations = 0;
  return parameters == nullptr || ::ASN1_INTEGER_get_uint64(&iterations, parameters->iter) != 1 ||
         iterations <= few || iterations > refused;
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> files;
  for (const Sample& sample : kSamples) files.push_back(bytes_of(sample.file));
  return files;
}

void run(ByteView input) {
  accepted({ErrorKind::damaged, ErrorKind::authentication, ErrorKind::too_large}, [&] {
    const SecretBytes secret = decrypt_with_passphrase(input, as_bytes(kPassphrase), "input");
    require(is_encrypted(input), "an encrypted file begins like one");
    require(std::any_of(std::begin(kSamples), std::end(kSamples),
                        [&](const Sample& sample) {
                          const ByteView whole = as_bytes(sample.secret);
                          return std::equal(secret.begin(), secret.end(), whole.begin(), whole.end());
                        }),
            "what is opened is what was encrypted, whole and unaltered");
  });
}

// What stands inside the PEM is changed, or the text.
Bytes mutate(Bytes input, std::size_t limit, Mutator& mutator) {
  std::optional<Bytes> der = mutator.one_in(4) ? std::nullopt : der_of(input);
  Bytes changed = input;
  if (der) {
    mutator.change(*der, limit);
    changed = pem_of(*der);
  } else {
    mutator.change(changed, limit);
  }
  der = der_of(changed);
  return !der || is_quick(*der) ? changed : input;
}

}  // namespace

FuzzTarget encrypted_key_target() { return {"encrypted_key", seeds, run, mutate, 300}; }

}  // namespace opaline::fuzz
