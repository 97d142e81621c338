// KvTarget's state as the database sections of an RDB file.
#include <algorithm>
#include <new>

#include "targets/kv/keyspace_snapshot.h"
#include "targets/kv/kv_target.h"
#include "targets/kv/rdb.h"
#include "targets/kv/rdb_values.h"

namespace understudy::targets::kv {
namespace {

// Reads one file's sections into a key space.
class Loader {
 public:
  Loader(std::string_view bytes, Keyspace* keyspace) : in_(bytes), keyspace_(keyspace) {}

  bool Load(std::string* error) {
    while (!in_.AtEnd()) ReadPart();
    *error = in_.error();
    return !in_.failed();
  }

 private:
  void ReadPart() {
    const uint8_t code = in_.Byte();
    switch (static_cast<RdbOpcode>(code)) {
      case RdbOpcode::kAux:
        in_.String(&key_scratch_);
        in_.String(&value_scratch_);
        return;
      case RdbOpcode::kSelectDb: {
        const uint64_t db = in_.Length();
        if (db >= static_cast<uint64_t>(keyspace_->databases())) {
          return in_.Fail("a database beyond the number of databases");
        }
        db_ = static_cast<int>(db);
        return;
      }
      case RdbOpcode::kResizeDb: {
        // A key takes three bytes at least: what claims more isn't believed.
        const uint64_t keys = std::min<uint64_t>(in_.Length(), in_.rest().size() / 3);
        in_.Length();
        if (!in_.failed()) keyspace_->Reserve(db_, keys);
        return;
      }
      case RdbOpcode::kExpiryMs:
        expiry_ms_ = static_cast<int64_t>(in_.Integer(8));
        return;
      case RdbOpcode::kExpirySeconds:
        expiry_ms_ = static_cast<int64_t>(static_cast<int32_t>(in_.Integer(4))) * 1000;
        return;
      case RdbOpcode::kIdle:
        in_.Length();
        return;
      case RdbOpcode::kFrequency:
        in_.Byte();
        return;
      case RdbOpcode::kFunction:
      case RdbOpcode::kOldFunction:
        return in_.Fail("functions, which aren't supported");
      case RdbOpcode::kModuleAux:
        return in_.Fail("data of a module, which isn't supported");
      default:
        return ReadKey(code);
    }
  }

  void ReadKey(uint8_t rdb_type) {
    if (rdb_type != kRdbTypeString && !IsRdbContainerType(rdb_type)) {
      return in_.Fail("type or opcode " + std::to_string(rdb_type) + " isn't supported");
    }
    const std::string_view key = in_.String(&key_scratch_);
    bool is_new = true;
    if (rdb_type == kRdbTypeString) {
      const std::string_view value = in_.String(&value_scratch_);
      if (in_.failed()) return;
      is_new = keyspace_->Load(db_, key, value, expiry_ms_);
    } else {
      Type type;
      Object object;
      ReadRdbContainer(&in_, rdb_type, keyspace_->forms(), &type, &object);
      if (in_.failed()) return;
      is_new = keyspace_->LoadObject(db_, key, type, object, expiry_ms_);
      if (!is_new) Free(type, object);
    }
    if (!is_new) return in_.Fail("a key that comes twice");
    expiry_ms_.reset();
  }

  RdbReader in_;
  Keyspace* const keyspace_;
  int db_ = 0;
  std::optional<int64_t> expiry_ms_;
  std::string key_scratch_, value_scratch_;
};

}  // namespace

void WriteEntry(const Entry& entry, RdbWriter* out) {
  if (entry.has_expiry()) out->ExpiryMs(entry.expiry_ms());
  out->Byte(RdbTypeOf(entry));
  out->String(entry.key());
  WriteRdbValue(out, entry);
  out->FlushIfFull();
}

std::unique_ptr<SnapshotCursor> KvTarget::BeginSnapshot() {
  return std::make_unique<KeyspaceSnapshot>(&keyspace_);
}

bool KvTarget::Snapshot(const SnapshotSink& sink) const {
  RdbWriter out(sink, false);
  int selected = -1;
  keyspace_.ForEach([&](int db, const Entry& entry) {
    if (!out.ok()) return;
    if (db != selected) {
      selected = db;
      out.SelectDb(static_cast<uint64_t>(db));
      out.ResizeDb(keyspace_.size(db), keyspace_.expires(db));
    }
    WriteEntry(entry, &out);
  });
  return out.Finish();
}

bool KvTarget::Restore(std::string_view snapshot, std::string* error) {
  keyspace_.Clear();
  try {
    if (Loader(snapshot, &keyspace_).Load(error)) return true;
  } catch (const std::bad_alloc&) {
    *error = "RDB: not enough memory";
  }
  keyspace_.Clear();
  return false;
}

}  // namespace understudy::targets::kv
