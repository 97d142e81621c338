// HyperLogLogs: how many different elements there were, within about 0.81 %, in at most 12 kB.
//
// A HyperLogLog is a string, byte for byte what Redis keeps, so that GET, SET and DUMP carry it
// from one to the other:
//
//   value    := "HYLL" encoding:1 unused:3 estimate:8 registers
//   estimate := little-endian; the highest bit is set if it must be computed anew
//   registers (encoding 0, dense)  := 16384 registers of 6 bits, the lowest bits first
//   registers (encoding 1, sparse) := run*, 16384 registers in all
//   run      := 00llllll                     l+1 registers that are 0
//             | 01llllll llllllll            the same, up to 16384
//             | 1vvvvvll                     l+1 registers that are v+1
//
// An element's hash (MurmurHash64A) chooses a register by 14 bits and counts the zeros from the
// 15th bit on; the register keeps the largest count plus one. The estimate is that of Otmar Ertl,
// "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, algorithm 6.
// The way in which a sparse value is changed (runs are split, and neighbours of equal value are
// joined, but not all of them) is Redis' own, since it is seen by GET. Source: the comments of
// Redis' hyperloglog.c, 7.2.
//
// Bytes that anybody may have written are taken; what isn't well formed is found out when it is
// read, never before, as in Redis. Pure functions; one thread is not required.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::targets::kv {

class HyperLogLog {
 public:
  static constexpr size_t kRegisters = 16384;
  static constexpr size_t kHeaderBytes = 16;
  static constexpr size_t kDenseBytes = kHeaderBytes + kRegisters * 6 / 8;
  static constexpr size_t kEstimateOffset = 8, kEstimateBytes = 8;
  using Registers = std::array<uint8_t, kRegisters>;

  // kDamaged: the registers aren't well formed; the value may then be half changed.
  enum class Added : uint8_t { kNo, kYes, kDamaged };

  // Whether this is the value of one as far as its head and size tell.
  static bool Is(std::string_view value);
  // REQUIRES of all that follow: Is(value).
  static bool IsDense(std::string_view value) { return value[4] == 0; }
  // The estimate, if it is up to date.
  static std::optional<uint64_t> KnownEstimate(std::string_view value);
  // Computes it; nothing if the registers are damaged.
  static std::optional<uint64_t> Estimate(std::string_view value);
  static uint64_t Estimate(const Registers& registers);
  // Raises registers to those of the value; false if these are damaged.
  static bool MergeInto(std::string_view value, Registers* registers);
  // The registers of a sparse value in words ("Z:16000 v:1,1 z:383"), for PFDEBUG DECODE.
  static std::string Describe(std::string_view value);

  // Where an element counts.
  struct Place {
    uint32_t index;
    uint8_t count;
  };
  static Place PlaceOf(std::string_view element);

  // A dense value in place.
  static uint8_t DenseGet(const char* value, uint32_t index);
  // Raises a register; false if it is that high already.
  static bool DenseRaise(char* value, Place place);
  static void ForgetEstimate(char* value) { value[kEstimateOffset + 7] |= '\x80'; }

  // A value that is being changed: a new one, or a copy of another. `sparse_max_bytes`: a sparse
  // value that would have to grow beyond it becomes dense.
  explicit HyperLogLog(size_t sparse_max_bytes);
  HyperLogLog(std::string_view value, size_t sparse_max_bytes)
      : bytes_(value), sparse_max_bytes_(sparse_max_bytes) {}

  const std::string& bytes() const { return bytes_; }
  // Raises the register; the estimate is forgotten if it changes.
  Added Raise(Place place);
  Added Add(std::string_view element) { return Raise(PlaceOf(element)); }
  // False if the registers are damaged.
  bool MakeDense();
  void ForgetEstimate() { ForgetEstimate(bytes_.data()); }

 private:
  struct Run;
  static bool ReadRun(std::string_view value, size_t at, Run* run);
  Added RaiseSparse(Place place);
  void JoinRuns(size_t from);

  std::string bytes_;
  size_t sparse_max_bytes_;
};

}  // namespace understudy::targets::kv
