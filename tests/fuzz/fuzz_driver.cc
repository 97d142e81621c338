// Runs a fuzzer's function on mutated seeds:  <fuzzer> [iterations] [seed]
// The same arguments give the same inputs. Exit code 1: a check failed; the input is printed.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/fuzz/fuzz.h"

namespace {

constexpr size_t kMaxInputBytes = 4096;

class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, uint64_t seed) : seeds_(std::move(seeds)), random_(seed) {
    seeds_.emplace_back();
  }

  std::string Next() {
    std::string input = seeds_[Below(seeds_.size())];
    for (size_t steps = Below(8); steps > 0; --steps) Mutate(&input);
    if (input.size() > kMaxInputBytes) input.resize(kMaxInputBytes);
    return input;
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }

  void Mutate(std::string* input) {
    size_t at = Below(input->size() + 1);
    size_t length = std::min(Below(16), input->size() - at);
    switch (Below(7)) {
      case 0:
        if (at < input->size()) (*input)[at] = static_cast<char>((*input)[at] ^ (1 << Below(8)));
        break;
      case 1:
        if (at < input->size()) (*input)[at] = static_cast<char>(random_());
        break;
      case 2:
        input->erase(at, length);
        break;
      case 3: {
        std::string copy = input->substr(at, length);
        input->insert(Below(input->size() + 1), copy);
        break;
      }
      case 4: {  // values where readers go wrong
        static constexpr std::string_view kInteresting[] = {"-1",
                                                            "0",
                                                            "2147483648",
                                                            "9223372036854775808",
                                                            "\r\n",
                                                            "\"",
                                                            "\\x",
                                                            "*",
                                                            "$",
                                                            std::string_view("\0\0\0\0", 4),
                                                            "\xff\xff\xff\xff",
                                                            "\x80",
                                                            "\xff\xff\xff\x7f"};
        input->insert(at, kInteresting[Below(std::size(kInteresting))]);
        break;
      }
      case 5: {  // the beginning of this, the end of another
        const std::string& other = seeds_[Below(seeds_.size())];
        input->replace(at, std::string::npos, other.substr(Below(other.size() + 1)));
        break;
      }
      default:
        for (size_t i = Below(32); i > 0; --i) input->push_back(static_cast<char>(random_()));
    }
  }

  std::vector<std::string> seeds_;
  std::mt19937_64 random_;
};

void Print(const std::string& input) {
  for (char c : input) fprintf(stderr, "\\x%02x", static_cast<unsigned char>(c));
  fprintf(stderr, "\n");
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t iterations = argc > 1 ? strtoull(argv[1], nullptr, 10) : 20000;
  uint64_t seed = argc > 2 ? strtoull(argv[2], nullptr, 10) : 1;
  printf("%llu iterations from seed %llu\n", static_cast<unsigned long long>(iterations),
         static_cast<unsigned long long>(seed));
  fflush(stdout);
  Mutator mutator(understudy::fuzz::Seeds(), seed);
  for (uint64_t i = 0; i < iterations; ++i) {
    std::string input = mutator.Next();
    try {
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
    } catch (const std::exception& failure) {
      fprintf(stderr, "iteration %llu: %s\n", static_cast<unsigned long long>(i), failure.what());
      Print(input);
      return 1;
    }
  }
  return 0;
}
