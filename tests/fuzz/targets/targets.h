#pragma once

#include "fuzz/fuzz_target.h"

/// One a file beside this one.
namespace opaline::fuzz {

FuzzTarget client_file_target();     ///< NAME.client
FuzzTarget csv_target();             ///< tables as text
FuzzTarget http_target();            ///< what comes over a connection to a service
FuzzTarget idx_target();             ///< images and labels, plain and gzip
FuzzTarget npy_target();             ///< tables of NumPy
FuzzTarget onnx_target();            ///< networks: read, collapsed, quantised
FuzzTarget open_inference_target();  ///< bodies of the Open Inference Protocol
FuzzTarget png_target();             ///< photographs, and the digit in them
FuzzTarget public_key_target();
FuzzTarget query_target();  ///< read and answered by a server
FuzzTarget reply_target();  ///< read and decrypted by a client
FuzzTarget secret_key_target();
FuzzTarget server_file_target();  ///< NAME.server
FuzzTarget url_target();          ///< URLs of servers, targets of requests

}  // namespace opaline::fuzz
