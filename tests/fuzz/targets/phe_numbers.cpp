#include <algorithm>

#include "fuzz/fixed_key.h"
#include "fuzz/json_tree.h"
#include "fuzz/sample_messages.h"
#include "fuzz/sample_models.h"
#include "fuzz/targets/targets.h"
#include "opaline/inference/phe_messages.h"

namespace opaline::fuzz {
namespace {

const ClientSpec& spec() { return sample_model().client_spec(); }
const PublicKey& key() { return fixed_key().public_key(); }

const Evaluator& evaluator() {
  static const Evaluator evaluator(key());
  return evaluator;
}

std::string line_of(const Integer& plaintext, int exponent) {
  return to_json(PheNumber{fixed_encryptor().encrypt(plaintext), exponent});
}

std::string lines_of(std::size_t images, int exponent) {
  std::string lines;
  for (const EncodedInput& input : sample_inputs(images)) {
    for (const std::int64_t value : input) lines += line_of(Integer(value), exponent);
  }
  return lines;
}

std::vector<Bytes> seeds() {
  const std::string number = line_of(3, -2);
  return {bytes_of(lines_of(1, 0)), bytes_of(lines_of(2, 1)),
          bytes_of("\r\n" + number + "  \n\n" + number.substr(0, number.size() - 1))};
}

// A query says what the numbers say that it was made of.
void use(const std::vector<PheNumber>& numbers) {
  const Bytes query = query_of_numbers(spec(), numbers, evaluator());
  FrameReader reader(query, "query");
  const std::vector<PheNumber> inputs = numbers_of_query(reader, spec());
  require(inputs.size() == numbers.size(), "every number is an input");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    require(inputs[i].exponent == 0, "an input is a whole number");
    const Integer factor = Integer(1) << (4 * static_cast<unsigned>(numbers[i].exponent));
    const Integer expected = fixed_decryptor().decrypt(numbers[i].ciphertext) * factor;
    require((fixed_decryptor().decrypt(inputs[i].ciphertext) - expected) % key().n() == 0,
            "an input is the number");
  }
}

void run(ByteView input) {
  std::vector<PheNumber> numbers;
  const bool read = accepted({ErrorKind::damaged, ErrorKind::invalid_ciphertext, ErrorKind::too_large},
                             [&] { numbers = parse_phe_numbers(input, key(), "input"); });
  if (!read) return;
  std::string lines;
  for (const PheNumber& number : numbers) lines += to_json(number);
  const std::vector<PheNumber> again = parse_phe_numbers(as_bytes(lines), key(), "again");
  require(std::equal(numbers.begin(), numbers.end(), again.begin(), again.end(),
                     [](const PheNumber& a, const PheNumber& b) {
                       return a.ciphertext.value() == b.ciphertext.value() && a.exponent == b.exponent;
                     }),
          "numbers are read as they were written");
  accepted({ErrorKind::out_of_range, ErrorKind::invalid_argument}, [&] { use(numbers); });
}

// One line's number becomes another, or its JSON something else.
Bytes change_line(const Bytes& line, std::size_t limit, Mutator& mutator) {
  if (mutator.one_in(2)) {
    const int exponent = static_cast<int>(mutator.below(mutator.one_in(2) ? 4 : 4100)) - 1;
    const Integer ciphertext = mutator.one_in(2)
                                   ? mutator.one_of(telling_numbers())
                                   : fixed_encryptor().encrypt(Integer(mutator.below(16))).value();
    return write_json(Json{{"v", ciphertext.str()}, {"e", mutator.one_in(4) ? -exponent : exponent}});
  }
  std::optional<Json> json = read_json(line);
  if (!json) return mutate_blindly(line, limit, mutator);
  mutate_json(*json, mutator, [&](std::string& text) {
    Bytes changed = bytes_of(text);
    mutator.change(changed, limit);
    text = text_of(changed);
  });
  return write_json(*json);
}

Bytes mutate(Bytes input, std::size_t limit, Mutator& mutator) {
  if (mutator.one_in(4)) return mutate_blindly(std::move(input), limit, mutator);
  std::vector<Bytes> lines(1);
  for (const std::uint8_t byte : input) {
    if (byte == '\n') {
      lines.emplace_back();
    } else {
      lines.back().push_back(byte);
    }
  }
  Bytes& line = mutator.one_of(lines);
  line = change_line(line, limit, mutator);
  Bytes changed;
  for (const Bytes& each : lines) {
    if (&each != &lines.front()) changed.push_back('\n');
    changed.insert(changed.end(), each.begin(), each.end());
  }
  return changed;
}

}  // namespace

FuzzTarget phe_numbers_target() { return {"phe_numbers", seeds, run, mutate, 100}; }

}  // namespace opaline::fuzz
