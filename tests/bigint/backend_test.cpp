#include "opaline/bigint/backend.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>

#include "operands.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// OPALINE_BACKEND as a test wants it, put back at the end of the scope.
class BackendVariable {
 public:
  explicit BackendVariable(const char* value) {
    if (const char* const before = std::getenv(kName)) before_ = before;
    set(value);
  }
  BackendVariable(const BackendVariable&) = delete;
  BackendVariable& operator=(const BackendVariable&) = delete;
  ~BackendVariable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  static constexpr const char* kName = "OPALINE_BACKEND";

  static void set(const char* value) {
    if (value == nullptr) {
      ::unsetenv(kName);
    } else {
      ::setenv(kName, value, 1);
    }
  }

  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("there is a portable backend everywhere, and names are not used twice") {
  std::set<std::string_view> names;
  for (const Backend* const candidate : backends()) {
    CHECK(names.insert(candidate->name()).second);
    CHECK_FALSE(candidate->description().empty());
    CHECK(candidate->lanes() >= 1);
    CHECK(candidate->name() != "auto");
  }
  CHECK(names.count("portable") == 1);
  CHECK(backend("portable").supported());
}

TEST_CASE("a backend asked for by name is the one that is given, or an error") {
  for (const Backend* const candidate : backends()) {
    const std::string name(candidate->name());
    CAPTURE(name);
    if (candidate->supported()) {
      CHECK(&backend(name) == candidate);
    } else {
      CHECK(kind_of([&] { backend(name); }) == ErrorKind::unsupported_backend);
    }
  }
}

TEST_CASE("a narrower backend has the same name and numbers, and half the lanes or all") {
  for (const Backend* const candidate : backends()) {
    const Backend& narrower = candidate->narrower();
    CHECK(narrower.name() == candidate->name());
    CHECK(&narrower.narrower() == &narrower);
    CHECK((&narrower == candidate || 2 * narrower.lanes() == candidate->lanes()));
    if (!candidate->supported()) continue;
    const Backend& quick = quick_backend(*candidate);
    CHECK((&quick == candidate || &quick == &narrower));
    CHECK(&quick_backend(*candidate) == &quick);

    // A number kept on its own goes from one to the other.
    const Integer m = (Integer(1) << 521) - 1;
    const auto wide = uniform_arithmetic(*candidate, m);
    const auto narrow = uniform_arithmetic(narrower, m);
    REQUIRE(wide->number_words() == narrow->number_words());
    std::vector<Integer> values;
    for (std::size_t lane = 0; lane < wide->lanes(); ++lane) values.push_back(m * m - 1 - 12345 * lane);
    WordVector element(wide->words());
    wide->load(element.data(), values);
    WordVector numbers(wide->lanes() * wide->number_words());
    std::vector<Word*> written;
    std::vector<const Word*> read;
    for (std::size_t lane = 0; lane < wide->lanes(); ++lane) {
      written.push_back(numbers.data() + lane * wide->number_words());
      if (lane < narrow->lanes()) read.push_back(written.back());
    }
    wide->scatter_numbers_vartime(written, element.data());
    WordVector taken(narrow->words());
    narrow->gather_numbers_vartime(taken.data(), read);
    values.resize(narrow->lanes());
    CHECK(narrow->store(taken.data()) == values);
  }
}

TEST_CASE("auto is the first that this machine supports") {
  CHECK(&backend("auto") == supported_backends().front());
}

TEST_CASE("an unknown backend is an error that lists those there are") {
  for (const char* const name : {"fast", "", "Portable", "portable ", "auto,portable"}) {
    CAPTURE(name);
    const auto error = error_of([&] { backend(name); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::unsupported_backend);
    const std::string text = error->what();
    CHECK(text.find("'" + std::string(name) + "'") != std::string::npos);
    CHECK(text.find("auto") != std::string::npos);
    for (const Backend* const candidate : backends()) {
      CHECK(text.find(candidate->name()) != std::string::npos);
    }
  }
}

TEST_CASE("OPALINE_BACKEND chooses the default") {
  for (const Backend* const candidate : backends()) {
    if (!candidate->supported()) continue;
    const BackendVariable variable(std::string(candidate->name()).c_str());
    CHECK(&default_backend() == candidate);
  }
  {
    const BackendVariable variable("auto");
    CHECK(&default_backend() == supported_backends().front());
  }
  {
    const BackendVariable variable("");
    CHECK(&default_backend() == supported_backends().front());
  }
  {
    const BackendVariable variable(nullptr);
    CHECK(&default_backend() == supported_backends().front());
  }
  const BackendVariable variable("fast");
  CHECK(kind_of([] { default_backend(); }) == ErrorKind::unsupported_backend);
}

TEST_CASE("moduli that are not odd, of one size, one a lane, are refused") {
  Numbers numbers(1);
  for (const Backend* const candidate : supported_backends()) {
    CAPTURE(candidate->name());
    const std::size_t lanes = candidate->lanes();
    const auto refused = [&](const std::vector<Integer>& moduli) {
      return kind_of([&] { candidate->pair_arithmetic(moduli); }) == ErrorKind::invalid_argument;
    };
    const Integer good = numbers.odd(100);
    CHECK_FALSE(refused(std::vector<Integer>(lanes, good)));
    CHECK(refused(std::vector<Integer>(lanes - 1, good)));
    CHECK(refused(std::vector<Integer>(lanes + 1, good)));
    CHECK(refused({}));
    const Integer too_long = power_of_two(8192) + 1;
    for (const Integer& bad :
         {Integer(good + 1), Integer(0), Integer(1), Integer(-1), Integer(-good), too_long}) {
      CHECK(refused(std::vector<Integer>(lanes, bad)));
    }
    for (std::size_t lane = 0; lane < lanes && lanes > 1; ++lane) {
      for (const Integer& bad : {Integer(good + 1), numbers.odd(99), numbers.odd(101), Integer(-good)}) {
        std::vector<Integer> moduli(lanes, good);
        moduli[lane] = bad;
        CHECK(refused(moduli));
      }
    }
    for (const Integer& edge : {Integer(3), Integer(power_of_two(8192) - 1)}) {
      const auto f = uniform_arithmetic(*candidate, edge);
      for (std::size_t lane = 0; lane < lanes; ++lane) CHECK(f->modulus(lane) == edge);
    }
  }
}

TEST_CASE("one arithmetic object serves many threads") {
  Numbers numbers(2);
  for (const Backend* const candidate : supported_backends()) {
    const auto f = uniform_arithmetic(*candidate, numbers.odd(1024));
    const std::vector<Integer> x = random_lanes(*f, numbers);
    const WordVector element = load_element(*f, x);
    WordVector expected(f->words());
    f->sqr(expected.data(), element.data());
    const std::vector<Integer> squares = f->store(expected.data());
    std::vector<int> right(64);
#pragma omp parallel for
    for (std::size_t i = 0; i < right.size(); ++i) {
      WordVector r(f->words());
      f->mul(r.data(), element.data(), element.data());
      right[i] = f->store(r.data()) == squares ? 1 : 0;
    }
    CHECK(std::count(right.begin(), right.end(), 1) == 64);
  }
}
