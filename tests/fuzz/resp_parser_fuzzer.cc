// Requests. However the bytes arrive, the same requests and the same error come out, and no byte
// outside of what arrived is looked at.
//
//   input := flags:u8 cuts:u8 stream        flags: 1 not authenticated, 2 small limits
#include <algorithm>
#include <memory>
#include <random>

#include "protocol/resp_parser.h"
#include "tests/fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

using protocol::ParseLimits;
using protocol::RequestParser;
using Status = RequestParser::Status;

struct Outcome {
  std::vector<std::vector<std::string>> requests;
  std::string error;
  size_t consumed = 0;
  bool operator==(const Outcome&) const = default;
};

// Feeds the stream in pieces of 1..`most` bytes; every call sees its bytes in a block of their own.
Outcome Feed(std::string_view stream, const ParseLimits& limits, size_t most, uint64_t seed) {
  Outcome outcome;
  RequestParser parser;
  std::minstd_rand random(static_cast<unsigned>(seed + 1));
  size_t received = 0;
  size_t complete_at = 0;  // no request can be complete with fewer bytes received
  for (;;) {
    size_t there = received - outcome.consumed;
    auto block = std::make_unique<char[]>(there);
    std::copy_n(stream.data() + outcome.consumed, there, block.get());
    Status status = parser.Parse(std::string_view(block.get(), there), limits);
    if (status == Status::kError) {
      outcome.error = parser.error();
      Check(outcome.error.starts_with("Protocol error: "), "an error in other words");
      return outcome;
    }
    if (status == Status::kRequest) {
      Check(parser.consumed() > 0 && parser.consumed() <= there, "consumed is out of range");
      Check(received >= complete_at, "less was missing than the parser said");
      outcome.consumed += parser.consumed();
      outcome.requests.emplace_back(parser.args().begin(), parser.args().end());
      complete_at = 0;
      continue;
    }
    complete_at = std::max(complete_at, received + parser.missing());
    if (received == stream.size()) return outcome;
    received += std::min(stream.size() - received, 1 + random() % most);
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  auto seed = [](std::string_view stream) { return std::string(2, '\0') + std::string(stream); };
  return {
      seed("*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"),
      seed("PING\r\nset \"a\\x41\\n\" 'it\\'s' plain\r\n\r\n*0\r\n*-1\r\n*2\r\n$3\r\nGET\r\n$0\r\n"
           "\r\n"),
      seed("*12\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n"),
      seed("*2147483647\r\n$536870912\r\n"),
      seed("*1\r\n$16385\r\n"),
      "\1\3*11\r\n$1\r\n",
      "\2\1" + std::string(100, '1') + "\r\n",
      "\2\4*" + std::string(70, '9') + "\r\n$" + std::string(70, '9'),
  };
}

}  // namespace understudy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy::fuzz;
  Choices choices(data, size);
  uint8_t flags = choices.Byte();
  uint8_t cuts = choices.Byte();
  ParseLimits limits;
  limits.authenticated = (flags & 1) == 0;
  if ((flags & 2) != 0) {
    limits.max_inline_bytes = 60;
    limits.max_bulk_bytes = 20;
    limits.max_arguments = 6;
  }
  std::string_view stream = choices.rest();
  Outcome whole = Feed(stream, limits, stream.size() + 1, 0);
  Check(Feed(stream, limits, 1, 0) == whole, "byte by byte it is something else");
  Check(Feed(stream, limits, 1 + cuts % 64, cuts) == whole, "in pieces it is something else");
  return 0;
}
