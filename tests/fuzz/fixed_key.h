#pragma once

#include <string_view>

#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/keys.h"

namespace opaline::fuzz {

/// A key of the smallest size that is the same for ever, so that inputs which were kept still belong to it.
/// It protects nothing: everybody can read it here.
std::string_view fixed_key_file();
const SecretKey& fixed_key();

/// The same with the proof that goes with its public key.
const SecretKey& proved_key();

const Encryptor& fixed_encryptor();
const Decryptor& fixed_decryptor();

}  // namespace opaline::fuzz
