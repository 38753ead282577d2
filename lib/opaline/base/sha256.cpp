#include "opaline/base/sha256.h"

#include <openssl/evp.h>

#include <memory>

#include "opaline/base/error.h"

namespace opaline {

Digest sha256(std::initializer_list<ByteView> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  bool ok = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  for (const ByteView part : parts) ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  Digest digest{};
  ok = ok && EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  if (!ok) throw Error(ErrorKind::fault, "SHA-256 is not available from the cryptographic library");
  return digest;
}

}  // namespace opaline
