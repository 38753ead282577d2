#pragma once

#include "fuzz/fuzz_target.h"

/// One a file beside this one.
namespace opaline::fuzz {

FuzzTarget client_file_target();     ///< NAME.client
FuzzTarget csv_target();             ///< tables as text
FuzzTarget encrypted_key_target();   ///< secret keys under a passphrase
FuzzTarget http_target();            ///< what comes over a connection to a service
FuzzTarget idx_target();             ///< images and labels, plain and gzip
FuzzTarget npy_target();             ///< tables of NumPy
FuzzTarget onnx_target();            ///< networks: read, collapsed, quantised
FuzzTarget open_inference_target();  ///< bodies of the Open Inference Protocol
FuzzTarget phe_numbers_target();     ///< encrypted numbers of python-paillier, and queries of them
FuzzTarget png_target();             ///< photographs, and the digit in them
FuzzTarget public_key_target();
FuzzTarget query_target();  ///< read and answered by a server
FuzzTarget reply_target();  ///< read and decrypted by a client
FuzzTarget secret_key_target();
FuzzTarget server_file_target();  ///< NAME.server
FuzzTarget tokens_target();       ///< who may ask a service
FuzzTarget url_target();          ///< URLs of servers, targets of requests

}  // namespace opaline::fuzz
