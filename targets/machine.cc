#include <string>

#include "targets/machine.h"

namespace understudy::targets {
namespace {

// A snapshot made at once.
class CopyCursor : public SnapshotCursor {
 public:
  explicit CopyCursor(const Machine& target) {
    target.Snapshot([this](std::string_view piece) {
      bytes_.append(piece);
      return true;
    });
  }

  Status Step(size_t work, const SnapshotSink& sink) override {
    constexpr size_t kBytesOfOneWork = 1024, kMaxPiece = 64 << 10;
    for (size_t pieces = 1 + work * kBytesOfOneWork / kMaxPiece; pieces > 0; --pieces) {
      const std::string_view piece = std::string_view(bytes_).substr(given_, kMaxPiece);
      if (piece.empty()) return Status::kDone;
      if (!sink(piece)) return Status::kFailed;
      given_ += piece.size();
      work_done_ += 1 + piece.size() / kBytesOfOneWork;
    }
    return given_ == bytes_.size() ? Status::kDone : Status::kMore;
  }
  uint64_t work_done() const override { return work_done_; }
  size_t kept_bytes() const override { return bytes_.size() - given_; }
  double Progress() const override {
    return bytes_.empty() ? 1 : static_cast<double>(given_) / static_cast<double>(bytes_.size());
  }

 private:
  std::string bytes_;
  size_t given_ = 0;
  uint64_t work_done_ = 0;
};

}  // namespace

std::unique_ptr<SnapshotCursor> Machine::BeginSnapshot() {
  return std::make_unique<CopyCursor>(*this);
}

}  // namespace understudy::targets
