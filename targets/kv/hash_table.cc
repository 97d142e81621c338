#include "targets/kv/hash_table.h"

#include <cstdlib>
#include <new>

namespace understudy::targets::kv {

KeyHasher::KeyHasher(uint64_t seed)
    : first_(Fold(seed ^ 0xa0761d6478bd642full, 0xe7037ed1a0b428dbull)),
      second_(Fold(seed ^ 0x8ebc6af09c88c6e3ull, 0x589965cc75374cc3ull) | 1) {}

BucketArray::BucketArray(size_t size) : size_(size) {
  assert(std::has_single_bit(size));
  // calloc gets big arrays from the system, already zero and not yet touched, so that making one
  // doesn't take time by its size. Some allocators align them to 16 bytes only.
  const size_t bytes = size * sizeof(Bucket);
  memory_ = std::calloc(1, bytes);
  if (memory_ != nullptr && reinterpret_cast<uintptr_t>(memory_) % alignof(Bucket) != 0) {
    std::free(memory_);
    memory_ = std::calloc(1, bytes + alignof(Bucket));
  }
  if (memory_ == nullptr) throw std::bad_alloc();
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory_);
  const uintptr_t aligned = (address + alignof(Bucket) - 1) & ~(alignof(Bucket) - 1);
  buckets_ = reinterpret_cast<Bucket*>(static_cast<char*>(memory_) + (aligned - address));
}

BucketArray::~BucketArray() { std::free(memory_); }

BucketArray& BucketArray::operator=(BucketArray&& other) noexcept {
  if (this != &other) {
    std::free(memory_);
    memory_ = std::exchange(other.memory_, nullptr);
    buckets_ = std::exchange(other.buckets_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Bucket* BucketArray::NewChild() {
  void* memory = std::aligned_alloc(alignof(Bucket), sizeof(Bucket));
  if (memory == nullptr) throw std::bad_alloc();
  return new (memory) Bucket{};
}

void BucketArray::FreeChild(Bucket* child) { std::free(child); }

uint64_t ReverseBits(uint64_t v) {
  v = ((v >> 1) & 0x5555555555555555ull) | ((v & 0x5555555555555555ull) << 1);
  v = ((v >> 2) & 0x3333333333333333ull) | ((v & 0x3333333333333333ull) << 2);
  v = ((v >> 4) & 0x0f0f0f0f0f0f0f0full) | ((v & 0x0f0f0f0f0f0f0f0full) << 4);
  return __builtin_bswap64(v);
}

uint64_t NextScanCursor(uint64_t cursor, size_t buckets) {
  // Setting the bits above the bucket number makes the carry of the increment enter it at its top.
  return ReverseBits(ReverseBits(cursor | ~(uint64_t{buckets} - 1)) + 1);
}

}  // namespace understudy::targets::kv
