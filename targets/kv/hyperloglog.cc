#include "targets/kv/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace understudy::targets::kv {
namespace {

static_assert(std::endian::native == std::endian::little, "hashes and estimates are little-endian");

constexpr int kIndexBits = 14;
constexpr int kCountBits = 64 - kIndexBits;  // the greatest count is one more
constexpr int kRegisterBits = 6;
constexpr char kMagic[] = {'H', 'Y', 'L', 'L'};
constexpr uint8_t kDense = 0, kSparse = 1;

// What runs can say.
constexpr int kMaxSparseValue = 32, kMaxValueRun = 4, kMaxShortZeros = 64, kMaxZeros = 16384;

uint64_t MurmurHash64A(std::string_view text, uint64_t seed) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  uint64_t hash = seed ^ (text.size() * kMultiplier);
  for (; text.size() >= 8; text.remove_prefix(8)) {
    uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    word *= kMultiplier;
    word ^= word >> kShift;
    hash = (hash ^ word * kMultiplier) * kMultiplier;
  }
  if (!text.empty()) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), text.size());
    hash = (hash ^ word) * kMultiplier;
  }
  hash ^= hash >> kShift;
  hash *= kMultiplier;
  return hash ^ hash >> kShift;
}

void AppendZeros(std::string* to, int length) {
  if (length == 0) return;
  if (length > kMaxShortZeros) {
    to->push_back(static_cast<char>(0x40 | (length - 1) >> 8));
    to->push_back(static_cast<char>(length - 1));
  } else {
    to->push_back(static_cast<char>(length - 1));
  }
}

void AppendValues(std::string* to, int value, int length) {
  if (length > 0) to->push_back(static_cast<char>(0x80 | (value - 1) << 2 | (length - 1)));
}

// Ertl's functions of the registers that are 0, and of those that are full.
double Sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double power = 1, sum = x, before;
  do {
    x *= x;
    before = sum;
    sum += x * power;
    power += power;
  } while (before != sum);
  return sum;
}

double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double power = 1, sum = 1 - x, before;
  do {
    x = std::sqrt(x);
    before = sum;
    power *= 0.5;
    sum -= (1 - x) * (1 - x) * power;
  } while (before != sum);
  return sum / 3;
}

// How many registers have each count. Damaged values may hold greater ones than there can be.
using Histogram = std::array<int, 1 << kRegisterBits>;

uint64_t EstimateOf(const Histogram& histogram) {
  constexpr double kInfiniteAlpha = 0.721347520444481703680;  // 0.5 / ln(2)
  const double m = HyperLogLog::kRegisters;
  double z = m * Tau((m - histogram[kCountBits + 1]) / m);
  for (int count = kCountBits; count >= 1; --count) {
    z += histogram[static_cast<size_t>(count)];
    z *= 0.5;
  }
  z += m * Sigma(histogram[0] / m);
  return static_cast<uint64_t>(std::llround(kInfiniteAlpha * m * m / z));
}

}  // namespace

// A run of registers in a sparse value.
struct HyperLogLog::Run {
  size_t bytes;
  int length;
  int value;
};

bool HyperLogLog::ReadRun(std::string_view value, size_t at, Run* run) {
  if (at >= value.size()) return false;
  const auto first = static_cast<uint8_t>(value[at]);
  if (first & 0x80) {
    *run = {1, (first & 3) + 1, (first >> 2 & 0x1f) + 1};
  } else if (first & 0x40) {
    if (at + 1 >= value.size()) return false;
    *run = {2, ((first & 0x3f) << 8 | static_cast<uint8_t>(value[at + 1])) + 1, 0};
  } else {
    *run = {1, (first & 0x3f) + 1, 0};
  }
  return true;
}

HyperLogLog::Place HyperLogLog::PlaceOf(std::string_view element) {
  constexpr uint64_t kSeed = 0xadc83b19;
  const uint64_t hash = MurmurHash64A(element, kSeed);
  const uint64_t rest = hash >> kIndexBits | uint64_t{1} << kCountBits;
  return {static_cast<uint32_t>(hash & (kRegisters - 1)),
          static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

bool HyperLogLog::Is(std::string_view value) {
  if (value.size() < kHeaderBytes || std::memcmp(value.data(), kMagic, sizeof kMagic) != 0) {
    return false;
  }
  const auto encoding = static_cast<uint8_t>(value[4]);
  return encoding == kSparse || (encoding == kDense && value.size() == kDenseBytes);
}

std::optional<uint64_t> HyperLogLog::KnownEstimate(std::string_view value) {
  uint64_t estimate;
  std::memcpy(&estimate, value.data() + kEstimateOffset, sizeof estimate);
  if (estimate >> 63) return std::nullopt;
  return estimate;
}

// ---- dense ----

// A register lies in two bytes at most; behind the last one there is no second.
uint8_t HyperLogLog::DenseGet(const char* value, uint32_t index) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(value) + kHeaderBytes;
  const uint32_t bit = index * kRegisterBits, shift = bit & 7;
  const uint32_t low = bytes[bit >> 3];
  const uint32_t high = shift > 8 - kRegisterBits ? bytes[(bit >> 3) + 1] : 0;
  return static_cast<uint8_t>((low | high << 8) >> shift & 0x3f);
}

bool HyperLogLog::DenseRaise(char* value, Place place) {
  if (DenseGet(value, place.index) >= place.count) return false;
  auto* bytes = reinterpret_cast<uint8_t*>(value) + kHeaderBytes;
  const uint32_t bit = place.index * kRegisterBits, shift = bit & 7;
  uint8_t* const low = bytes + (bit >> 3);
  *low = static_cast<uint8_t>((*low & ~(0x3fu << shift)) | uint32_t{place.count} << shift);
  if (shift > 8 - kRegisterBits) {
    low[1] = static_cast<uint8_t>((low[1] & ~(0x3fu >> (8 - shift))) | place.count >> (8 - shift));
  }
  return true;
}

// ---- both ----

bool HyperLogLog::MergeInto(std::string_view value, Registers* registers) {
  if (IsDense(value)) {
    for (uint32_t i = 0; i < kRegisters; ++i) {
      (*registers)[i] = std::max((*registers)[i], DenseGet(value.data(), i));
    }
    return true;
  }
  size_t index = 0;
  Run run;
  size_t at = kHeaderBytes;
  for (; at < value.size() && ReadRun(value, at, &run); at += run.bytes) {
    const auto length = static_cast<size_t>(run.length);
    if (length > kRegisters - index) return false;
    for (size_t i = 0; run.value > 0 && i < length; ++i) {
      uint8_t* const one = &(*registers)[index + i];
      *one = std::max(*one, static_cast<uint8_t>(run.value));
    }
    index += length;
  }
  return at == value.size() && index == kRegisters;
}

uint64_t HyperLogLog::Estimate(const Registers& registers) {
  Histogram histogram{};
  for (uint8_t count : registers) ++histogram[count & 0x3f];
  return EstimateOf(histogram);
}

std::optional<uint64_t> HyperLogLog::Estimate(std::string_view value) {
  Histogram histogram{};
  if (IsDense(value)) {
    for (uint32_t i = 0; i < kRegisters; ++i) ++histogram[DenseGet(value.data(), i)];
    return EstimateOf(histogram);
  }
  size_t index = 0;
  Run run;
  size_t at = kHeaderBytes;
  for (; at < value.size() && ReadRun(value, at, &run); at += run.bytes) {
    index += static_cast<size_t>(run.length);
    if (index > kRegisters) return std::nullopt;
    histogram[static_cast<size_t>(run.value)] += run.length;
  }
  if (at != value.size() || index != kRegisters) return std::nullopt;
  return EstimateOf(histogram);
}

std::string HyperLogLog::Describe(std::string_view value) {
  std::string text;
  Run run;
  for (size_t at = kHeaderBytes; ReadRun(value, at, &run); at += run.bytes) {
    if (!text.empty()) text += ' ';
    text += run.value > 0 ? "v:" + std::to_string(run.value) + "," : run.bytes == 2 ? "Z:" : "z:";
    text += std::to_string(run.length);
  }
  return text;
}

// ---- changing ----

HyperLogLog::HyperLogLog(size_t sparse_max_bytes) : sparse_max_bytes_(sparse_max_bytes) {
  bytes_.assign(kMagic, sizeof kMagic);
  bytes_.push_back(kSparse);
  bytes_.resize(kHeaderBytes);
  AppendZeros(&bytes_, kMaxZeros);
}

HyperLogLog::Added HyperLogLog::Raise(Place place) {
  if (!IsDense(bytes_)) return RaiseSparse(place);
  if (!DenseRaise(bytes_.data(), place)) return Added::kNo;
  ForgetEstimate();
  return Added::kYes;
}

bool HyperLogLog::MakeDense() {
  if (IsDense(bytes_)) return true;
  Registers registers{};
  if (!MergeInto(bytes_, &registers)) return false;
  std::string dense(kDenseBytes, '\0');
  std::memcpy(dense.data(), bytes_.data(), kHeaderBytes);
  dense[4] = kDense;
  for (uint32_t i = 0; i < kRegisters; ++i) {
    if (registers[i] > 0) DenseRaise(dense.data(), {i, registers[i]});
  }
  bytes_ = std::move(dense);
  return true;
}

HyperLogLog::Added HyperLogLog::RaiseSparse(Place place) {
  const int index = static_cast<int>(place.index), count = place.count;
  size_t before = kHeaderBytes, at = kHeaderBytes;  // the run before the register's, and that one
  int first = 0;
  Run run{};
  std::string runs;  // what will be in the place of this one
  bool fits = count <= kMaxSparseValue;
  if (fits) {
    for (;; first += run.length, before = at, at += run.bytes) {
      if (!ReadRun(bytes_, at, &run)) return Added::kDamaged;
      if (index < first + run.length) break;
    }
    if (run.value >= count) return Added::kNo;
    const int left = index - first, right = first + run.length - 1 - index;
    const auto append = [&runs, &run](int length) {
      run.value > 0 ? AppendValues(&runs, run.value, length) : AppendZeros(&runs, length);
    };
    append(left);
    AppendValues(&runs, count, 1);
    append(right);
    fits = runs.size() <= run.bytes || bytes_.size() + runs.size() - run.bytes <= sparse_max_bytes_;
  }
  if (!fits) {
    if (!MakeDense()) return Added::kDamaged;
    DenseRaise(bytes_.data(), place);
  } else {
    bytes_.replace(at, run.bytes, runs);
    JoinRuns(before);
  }
  ForgetEstimate();
  return Added::kYes;
}

// Joins runs of the same value, looking at five of them.
void HyperLogLog::JoinRuns(size_t from) {
  Run run, next;
  for (int left = 5; left > 0 && ReadRun(bytes_, from, &run); --left) {
    if (run.value > 0 && ReadRun(bytes_, from + 1, &next) && next.value == run.value &&
        run.length + next.length <= kMaxValueRun) {
      std::string joined;
      AppendValues(&joined, run.value, run.length + next.length);
      bytes_.replace(from, 2, joined);
    } else {
      from += run.bytes;
    }
  }
}

}  // namespace understudy::targets::kv
