#pragma once

#include "opaline/base/bytes.h"
#include "opaline/base/secret.h"

namespace opaline {

/// Base64url without padding (RFC 4648, section 5) in time that depends on lengths only, and without a table:
/// for the numbers of secret keys. Error(damaged) for text that is none, which is all that becomes known of
/// it.
SecretBytes decode_secret_base64url(ByteView text);
SecretBytes encode_secret_base64url(ByteView bytes);

}  // namespace opaline
