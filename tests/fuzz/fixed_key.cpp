#include "fuzz/fixed_key.h"

#include "opaline/base/bytes.h"
#include "opaline/paillier/key_files.h"
#include "opaline/paillier/key_proof.h"

namespace opaline::fuzz {

// Made by opaline keygen --bits 1024.
std::string_view fixed_key_file() {
  return R"({
  "kty": "DAJ",
  "key_ops": ["decrypt"],
  "p": "5iZKAqLnjxCy6otkRFfbsj6BFahPaA2C-eSAQ8tr67mahBl0yuiyohl-duXSZ079vC4hh9dF4DdJXufPFvq3qw",
  "q": "_4jZGKFKq0Wy9MeVP23j5kcxmb90iWCbOkCiDM7Szy8OC7BV0Lkztfk9L42vzQ1N1cmOoC6FBVVyxJ2aLhy6Tw",
  "pub": {"alg":"PAI-GN1","key_ops":["encrypt"],"kid":"Paillier public key, 1024 bits, fdfec39b50664b5d","kty":"DAJ",)"
         R"("n":"5bsrPIr_lHJ67Ft-RG9wEU9BRwzLe6aPSUahOKzwXAHHV3_oiqbuSA9E9YlqnL8Q5977a9evctS_BpqvmKfY5r07rYL75fDEe0uY)"
         R"(HLg9xVjg8i1hcqSY6nF8rtrxQsjCJ10Zg64GhVTeJyMVkcsKNhRHA79fanSYg9_r5RGE68U",)"
         R"("opaline":{"fingerprint":"fdfec39b50664b5d71856ebf419e77175f6f13964531c97ef0c4b410e923f3b1"}},
  "kid": "Paillier private key, 1024 bits, fdfec39b50664b5d",
  "opaline": {
    "h_p": "ZBwPIJma28IQrNDSU6-Jj5ttn64jFqIfiErmwb6EKlODI1NJ2-XE-QKhtB-UyEAc01Cav3NsXAt5hvAHzqAVK5XKznaAP62n1emZL8DsyCy7_qyR)"
         R"(o_ZqxBjJHKozFt4BcYqNop2l6wSosatgOACmnQUK4UShnxC11gP5Rc2DSOg",
    "k_p": "6WE",
    "h_q": "Xc4Zvodbd1pdUc0WQWZJlcE5v7mYBZCw_xpTNmZwA7HXYnrZZ62IlsROghKCHjVtEoMaLA6tqWV4w1BiLumGi1-RhXDGzSN35ry3LJ6vYZyrWgyn)"
         R"(fQNUfqc9EvPfKry2yyATGT2qqXjQdCYjVS8xd6_VO-5lScrI3FkfAaMa0MA",
    "k_q": "Aazv"
  }
}
)";
}

const SecretKey& fixed_key() {
  static const SecretKey key = secret_key_from_json(as_bytes(fixed_key_file()), "the fuzzers' key");
  return key;
}

const SecretKey& proved_key() {
  static const SecretKey key = secret_key_from_json(as_bytes(fixed_key_file()), "the fuzzers' key")
                                   .with_proof(make_key_proof(fixed_key()));
  return key;
}

const Encryptor& fixed_encryptor() {
  static const Encryptor encryptor(fixed_key());
  return encryptor;
}

const Decryptor& fixed_decryptor() {
  static const Decryptor decryptor(fixed_key());
  return decryptor;
}

}  // namespace opaline::fuzz
