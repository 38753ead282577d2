#include "opaline/paillier/key_encryption.h"

// The functions of cms.h that write and read PEM are there only behind pem.h.
#include <openssl/pem.h>
//
#include <openssl/asn1.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "opaline/base/error.h"

namespace opaline {
namespace {

constexpr std::string_view kFirstLine = "-----BEGIN CMS-----";
constexpr std::uint64_t kMostIterations = 10'000'000;
constexpr std::size_t kTagBytes = 16;  // of GCM
constexpr std::size_t kMostEncrypted = std::size_t{128} << 10;

template <auto Free>
struct Freeing {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Cms = std::unique_ptr<CMS_ContentInfo, Freeing<CMS_ContentInfo_free>>;
using Bio = std::unique_ptr<BIO, Freeing<BIO_free_all>>;
using Pbkdf2 = std::unique_ptr<PBKDF2PARAM, Freeing<PBKDF2PARAM_free>>;

// OpenSSL keeps what went wrong a thread until somebody asks; nobody does.
Error failure(ErrorKind kind, const std::string& message) {
  ::ERR_clear_error();
  return {kind, message};
}

void require_made(bool done) {
  if (!done) throw failure(ErrorKind::fault, "libcrypto could not encrypt the secret key");
}

Bio reader_of(ByteView bytes) { return Bio(::BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

/// What is inside the first element, which has that tag and a definite length; `rest` moves on behind it.
/// Nothing but bytes are looked at, so that nothing has to be trusted yet.
ByteView take(ByteView& rest, int wanted_class, int wanted_tag) {
  const unsigned char* content = rest.data();
  long length = 0;
  int tag = 0;
  int tag_class = 0;
  const int flags = ::ASN1_get_object(&content, &length, &tag, &tag_class, static_cast<long>(rest.size()));
  constexpr int error = 0x80;
  constexpr int indefinite = 0x01;
  if ((flags & (error | indefinite)) != 0 || tag != wanted_tag || tag_class != wanted_class) {
    throw failure(ErrorKind::damaged, "not encrypted with a passphrase alone");
  }
  const auto start = static_cast<std::size_t>(content - rest.data());
  const ByteView inside = rest.subspan(start, static_cast<std::size_t>(length));
  rest = rest.subspan(start + inside.size());
  return inside;
}

bool is_named(ByteView name, int nid) {
  const ASN1_OBJECT* const object = ::OBJ_nid2obj(nid);
  const ByteView expected(::OBJ_get0_data(object), ::OBJ_length(object));
  return std::equal(name.begin(), name.end(), expected.begin(), expected.end());
}

/// What libcrypto is about to do, before it does: for one recipient, hash its passphrase with PBKDF2 not too
/// often, decrypt with AES-256-GCM (it would take a cipher without a tag, and then look at none), and compare
/// all of a tag (it would take shorter ones, which are easier to guess).
void check_work(ByteView der) {
  const auto universal = [](ByteView& rest, int tag) { return take(rest, V_ASN1_UNIVERSAL, tag); };
  const auto context = [](ByteView& rest, int tag) { return take(rest, V_ASN1_CONTEXT_SPECIFIC, tag); };
  ByteView info = universal(der, V_ASN1_SEQUENCE);
  universal(info, V_ASN1_OBJECT);
  ByteView content = context(info, 0);
  ByteView enveloped = universal(content, V_ASN1_SEQUENCE);
  universal(enveloped, V_ASN1_INTEGER);
  ByteView recipients = universal(enveloped, V_ASN1_SET);
  ByteView recipient = context(recipients, 3);
  universal(recipient, V_ASN1_INTEGER);
  ByteView derivation = context(recipient, 0);
  if (!is_named(universal(derivation, V_ASN1_OBJECT), NID_id_pbkdf2) || !recipients.empty()) {
    throw failure(ErrorKind::damaged, "not encrypted with one passphrase and PBKDF2");
  }
  const unsigned char* at = derivation.data();
  const Pbkdf2 parameters(::d2i_PBKDF2PARAM(nullptr, &at, static_cast<long>(derivation.size())));
  std::uint64_t iterations = 0;
  if (parameters == nullptr || ::ASN1_INTEGER_get_uint64(&iterations, parameters->iter) != 1) {
    throw failure(ErrorKind::damaged, "the parameters of PBKDF2 are damaged");
  }
  if (iterations > kMostIterations) {
    throw failure(ErrorKind::too_large,
                  "its passphrase is hashed more than " + std::to_string(kMostIterations) + " times");
  }
  ByteView encrypted = universal(enveloped, V_ASN1_SEQUENCE);
  universal(encrypted, V_ASN1_OBJECT);
  ByteView cipher = universal(encrypted, V_ASN1_SEQUENCE);
  if (!is_named(universal(cipher, V_ASN1_OBJECT), NID_aes_256_gcm)) {
    throw failure(ErrorKind::damaged, "not encrypted with AES-256-GCM");
  }
  if (universal(enveloped, V_ASN1_OCTET_STRING).size() != kTagBytes) {
    throw failure(ErrorKind::damaged, "its tag is not whole");
  }
}

/// The structure in the PEM text, if it is one that libcrypto opens in reasonable time.
Cms parse(ByteView file) {
  const Bio text = reader_of(file);
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  if (::PEM_read_bio(text.get(), &label, &header, &data, &length) != 1) {
    throw failure(ErrorKind::damaged, "not PEM");
  }
  const Bytes der(data, data + length);
  const bool is_cms = std::string_view(label) == PEM_STRING_CMS && std::string_view(header).empty();
  ::OPENSSL_free(label);
  ::OPENSSL_free(header);
  ::OPENSSL_free(data);
  if (!is_cms) throw failure(ErrorKind::damaged, "not CMS");
  check_work(der);
  const unsigned char* at = der.data();
  Cms cms(::d2i_CMS_ContentInfo(nullptr, &at, length));
  if (cms == nullptr || at != der.data() + length ||
      ::OBJ_obj2nid(::CMS_get0_type(cms.get())) != NID_id_smime_ct_authEnvelopedData) {
    throw failure(ErrorKind::damaged, "not CMS AuthEnvelopedData");
  }
  return cms;
}

SecretBytes open(ByteView file, ByteView passphrase) {
  const Cms cms = parse(file);
  SecretBytes password(passphrase.begin(), passphrase.end());
  const auto length = static_cast<ossl_ssize_t>(password.size());
  const auto wrong = [] { return failure(ErrorKind::authentication, "wrong passphrase, or a damaged file"); };
  if (::CMS_decrypt_set1_password(cms.get(), password.data(), length) != 1) throw wrong();
  // Not CMS_decrypt, which leaves plaintext on the stack.
  const Bio chain(::CMS_dataInit(cms.get(), nullptr));
  if (chain == nullptr) throw wrong();
  SecretBytes secret(file.size());
  std::size_t size = 0;
  while (size < secret.size()) {
    const int got = ::BIO_read(chain.get(), secret.data() + size, static_cast<int>(secret.size() - size));
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (::BIO_get_cipher_status(chain.get()) != 1) throw wrong();
  secret.resize(size);
  return secret;
}

}  // namespace

bool is_encrypted(ByteView file) {
  const ByteView first = as_bytes(kFirstLine);
  return file.size() >= first.size() && std::equal(first.begin(), first.end(), file.begin());
}

std::string encrypt_with_passphrase(ByteView secret, ByteView passphrase) {
  if (passphrase.size() < kShortestPassphrase || passphrase.size() > kLongestPassphrase) {
    throw Error(ErrorKind::invalid_argument, "a passphrase has " + std::to_string(kShortestPassphrase) +
                                                 " to " + std::to_string(kLongestPassphrase) +
                                                 " bytes; six random words are a good one");
  }
  const Cms cms(::CMS_AuthEnvelopedData_create(::EVP_aes_256_gcm()));
  require_made(cms != nullptr && ::CMS_set_detached(cms.get(), 0) == 1);
  // Taken over, wiped and freed with the structure.
  auto* const password = static_cast<unsigned char*>(::OPENSSL_memdup(passphrase.data(), passphrase.size()));
  require_made(password != nullptr);
  if (::CMS_add0_recipient_password(cms.get(), static_cast<int>(kPassphraseIterations), NID_id_alg_PWRI_KEK,
                                    NID_id_pbkdf2, password, static_cast<ossl_ssize_t>(passphrase.size()),
                                    ::EVP_aes_256_cbc()) == nullptr) {
    ::OPENSSL_clear_free(password, passphrase.size());
    require_made(false);
  }
  {
    const Bio chain(::CMS_dataInit(cms.get(), nullptr));
    require_made(chain != nullptr &&
                 ::BIO_write(chain.get(), secret.data(), static_cast<int>(secret.size())) ==
                     static_cast<int>(secret.size()) &&
                 BIO_flush(chain.get()) == 1 && ::CMS_dataFinal(cms.get(), chain.get()) == 1);
  }
  const Bio out(::BIO_new(::BIO_s_mem()));
  require_made(out != nullptr && ::PEM_write_bio_CMS(out.get(), cms.get()) == 1);
  const char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

SecretBytes decrypt_with_passphrase(ByteView file, ByteView passphrase, const std::string& name) {
  try {
    if (file.size() > kMostEncrypted) throw Error(ErrorKind::too_large, "too large for a key file");
    if (!is_encrypted(file)) throw Error(ErrorKind::damaged, "not encrypted with a passphrase");
    return open(file, passphrase);
  } catch (const Error& error) {
    throw Error(error.kind(), name + ": " + error.what());
  }
}

}  // namespace opaline
