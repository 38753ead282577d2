#pragma once

#include <string>
#include <vector>

#include "opaline/base/bytes.h"

namespace opaline::test {

/// What stands for a bad file among the words of a command, and for the output it must not leave.
inline const std::string kBadFile = "<bad file>";
inline const std::string kOutput = "<output>";

/// A kind of file and a command that reads it, everything else about the command being right.
struct Reader {
  std::string file;  ///< a sound one in the workshop
  std::vector<std::string> command;
};

/// A reader for every kind of file there is.
const std::vector<Reader>& readers();

/// A whole file of the workshop.
Bytes sound_file(const std::string& name);

/// Checks that a command refuses a file as everything hostile is to be refused: exit code 1, one line on
/// standard error that names the file, nothing on standard output, no file written or left over, and little
/// memory taken. Gives that line.
std::string check_refused(const Reader& reader, const std::string& bad_file);

/// The same for contents, which are put into a file of the sound one's name.
std::string check_refused(const Reader& reader, ByteView contents);

/// Runs a command on such contents where damage cannot always be seen; checks that it ends in good order: a
/// refusal as above, or success without complaint. Says whether it was refused.
bool ends_well(const Reader& reader, ByteView contents);

}  // namespace opaline::test
