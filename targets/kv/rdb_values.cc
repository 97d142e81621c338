#include "targets/kv/rdb_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/hash_value.h"
#include "targets/kv/list_value.h"
#include "targets/kv/rdb_legacy.h"
#include "targets/kv/rdb_streams.h"
#include "targets/kv/set_value.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

constexpr uint8_t kList = 1, kSet = 2, kZsetDigits = 3, kHash = 4, kZset = 5, kZipMapHash = 9,
                  kZipList = 10, kIntSet = 11, kZipZset = 12, kZipHash = 13, kQuickListOfZips = 14,
                  kPackedHash = 16, kPackedZset = 17, kQuickList = 18, kPackedSet = 20;
constexpr uint64_t kPlainNode = 1, kPackedNode = 2;

// ---- writing ----

void WriteElement(RdbWriter* out, const Element& element) {
  Element::Digits digits;
  out->String(element.Text(&digits));
  out->FlushIfFull();
}

void WriteList(RdbWriter* out, const ListValue& list) {
  if (list.IsPacked()) {
    out->Length(1);
    out->Length(kPackedNode);
    out->String(list.packed().bytes_view());
    return;
  }
  out->Length(list.chain()->nodes());
  list.chain()->ForEachNode([out](bool plain, std::string_view bytes) {
    out->Length(plain ? kPlainNode : kPackedNode);
    out->String(bytes);
    out->FlushIfFull();
  });
}

void WriteSet(RdbWriter* out, const SetValue& set) {
  if (set.form() == SetValue::kIntegers) return out->String(set.integers().bytes_view());
  if (set.form() == SetValue::kPacked) return out->String(set.packed().bytes_view());
  out->Length(set.size());
  set.ForEach([out](const Element& member) { WriteElement(out, member); });
}

void WriteSortedSet(RdbWriter* out, const SortedSetValue& set) {
  if (set.IsPacked()) return out->String(set.packed().bytes_view());
  out->Length(set.size());
  // From the greatest down: Redis then always inserts at the front.
  set.ForRange(set.size() - 1, set.size(), true, [out](const Element& member, double score) {
    WriteElement(out, member);
    out->Integer(std::bit_cast<uint64_t>(score), 8);
  });
}

void WriteHash(RdbWriter* out, const HashValue& hash) {
  if (hash.IsPacked()) return out->String(hash.packed().bytes_view());
  out->Length(hash.size());
  hash.ForEach([out](const Element& field, const Element& value) {
    WriteElement(out, field);
    WriteElement(out, value);
  });
}

// ---- reading ----

// Reads values; the object is freed again if anything goes wrong.
class ValueReader {
 public:
  ValueReader(RdbReader* in, const Forms& forms) : in_(*in), forms_(forms) {}

  void Read(uint8_t rdb_type, Type* type, Object* object) {
    type_ = rdb_type;
    switch (rdb_type) {
      case kList:
      case kQuickList:
      case kQuickListOfZips:
      case kZipList:
        *type = Type::kList;
        rdb_type == kList ? ReadList() : ReadNodes();
        break;
      case kSet:
      case kIntSet:
      case kPackedSet:
        *type = Type::kSet;
        rdb_type == kSet ? ReadSet() : rdb_type == kIntSet ? ReadIntSet() : ReadPackedSet();
        break;
      case kHash:
      case kZipMapHash:
      case kZipHash:
      case kPackedHash:
        *type = Type::kHash;
        rdb_type == kHash ? ReadHash() : ReadPackedHash();
        break;
      case kZset:
      case kZsetDigits:
      case kZipZset:
      case kPackedZset:
        *type = Type::kSortedSet;
        rdb_type == kZset || rdb_type == kZsetDigits ? ReadZset() : ReadPackedZset();
        break;
      case kRdbTypeStream1:
      case kRdbTypeStream2:
      case kRdbTypeStream3:
        *type = Type::kStream;
        if (auto stream = ReadRdbStream(&in_, rdb_type)) *object = stream.release()->object();
        return;  // it may be empty
      default:
        in_.Fail("an unknown type of value");
    }
    if (!in_.failed() && (object_.address == nullptr || SizeOf(*type, object_) == 0)) {
      in_.Fail("an empty container");
    }
    if (in_.failed()) {
      if (object_.address != nullptr) Free(*type, object_);
      return;
    }
    *object = object_;
  }

 private:
  // How much room to make for so many elements: each takes a byte at least.
  size_t Room(uint64_t count) const { return std::min<uint64_t>(count, in_.rest().size()); }

  void ReadList() {
    ListValue list = ListValue::New();
    object_ = list.object();
    std::string scratch;
    for (uint64_t count = in_.Length(); count > 0 && !in_.failed(); --count) {
      const std::string_view text = in_.String(&scratch);
      list.Push(ListValue::End::kBack, {&text, 1}, forms_);
      object_ = list.object();
    }
  }

  // A list's nodes: one, or many behind their number.
  void ReadNodes() {
    auto chain = std::make_unique<QuickList>();
    std::string scratch;
    for (uint64_t nodes = type_ == kZipList ? 1 : in_.Length(); nodes > 0 && !in_.failed();
         --nodes) {
      const uint64_t kind = type_ == kQuickList ? in_.Length() : kPackedNode;
      if (!in_.failed() && kind == kPlainNode) {
        const std::string_view bytes = in_.String(&scratch);
        if (!in_.failed()) chain->AppendPlainNode(bytes);
        continue;
      }
      if (kind != kPackedNode) in_.Fail("a damaged node of a list");
      PackedList node = ReadPacked(1, &scratch);
      if (in_.failed()) return;
      node.empty() ? node.Free() : chain->AppendNode(node);
    }
    if (in_.failed()) return;
    ListValue list = ListValue::OfChain(chain.release());
    list.Compact(forms_);
    object_ = list.object();
  }

  void ReadSet() {
    const uint64_t count = in_.Length();
    std::string scratch;
    for (uint64_t i = 0; i < count && !in_.failed(); ++i) {
      const std::string_view text = in_.String(&scratch);
      if (in_.failed()) return;
      if (i == 0) object_ = SetValue::NewFor(Element(text), Room(count), forms_).object();
      AddMember(Element::OfBytes(text.data(), text.size()));
    }
  }

  void AddMember(const Element& member) {
    SetValue set(object_);
    if (!set.Add(member, forms_)) in_.Fail("a member of a set that comes twice");
    object_ = set.object();
  }

  void ReadIntSet() {
    std::string scratch;
    const std::string_view bytes = in_.String(&scratch);
    if (in_.failed()) return;
    if (!IntSet::Validate(bytes)) return in_.Fail("a damaged set of integers");
    IntSet integers = IntSet::FromBytes(bytes);
    object_ = SetValue::OfIntegers(integers).object();
    if (integers.size() <= forms_.limits->set_max_intset_entries || integers.size() == 0) return;
    object_ = SetValue::NewTable(integers.size(), forms_).object();
    for (size_t i = 0; i < integers.size(); ++i) AddMember(Element(integers.At(i)));
    integers.Free();
  }

  // A packed list of groups of `step` entries, of which the first ones must be distinct, or a form
  // that was used before; with a null address if it isn't one.
  PackedList ReadPacked(size_t step, std::string* scratch) {
    const std::string_view bytes = in_.String(scratch);
    if (in_.failed()) return PackedList(nullptr);
    PackedList list(nullptr);
    size_t count = 0;
    bool good;
    if (type_ == kZipMapHash || type_ == kZipList || type_ == kZipHash || type_ == kZipZset ||
        type_ == kQuickListOfZips) {
      list = PackedList::New();
      good = type_ == kZipMapHash ? ReadZipMap(bytes, &list) : ReadZipList(bytes, &list);
      count = list.size();
    } else {
      good = PackedList::Validate(bytes, &count);
      if (good) list = PackedList::FromBytes(bytes);
    }
    if (good && count % step == 0) return list;
    if (list.block() != nullptr) list.Free();
    in_.Fail("a damaged packed list");
    return PackedList(nullptr);
  }

  // Whether the first entries of the groups are all different, and no text is longer than
  // `longest`. In doubt false.
  bool IsSound(const PackedList& list, size_t step, size_t longest) const {
    std::vector<uint64_t> hashes;
    size_t index = 0;
    for (auto at = list.First(); at != PackedList::kNone; at = list.Next(at), ++index) {
      Element::Digits digits;
      const Element element = list.Get(at);
      const std::string_view text = element.Text(&digits);
      // An integer kept as text is legal, but only the other form is quickly found.
      if (text.size() > longest || (!element.IsInteger() && Element(text).IsInteger()))
        return false;
      if (index % step == 0) hashes.push_back((*forms_.hasher)(text));
    }
    std::sort(hashes.begin(), hashes.end());
    return std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end();
  }

  void ReadPackedSet() {
    std::string scratch;
    const PackedList list = ReadPacked(1, &scratch);
    Rebuild(list, [this](PackedList from, PackedList::Position* at) {
      if (object_.address == nullptr) {
        object_ = SetValue::NewFor(from.Get(*at).Parsed(), 1, forms_).object();
      }
      AddMember(from.Get(*at));
      *at = from.Next(*at);
    });
  }

  void ReadPackedHash() {
    std::string scratch;
    const PackedList list = ReadPacked(2, &scratch);
    if (in_.failed()) return;
    if (list.size() / 2 <= forms_.limits->hash_max_listpack_entries &&
        IsSound(list, 2, forms_.limits->hash_max_listpack_value)) {
      object_ = HashValue::OfPacked(list).object();
      return;
    }
    object_ = HashValue::New().object();
    Rebuild(list, [this](PackedList from, PackedList::Position* at) {
      Element::Digits field_digits, value_digits;
      const PackedList::Position value = from.Next(*at);
      AddField(from.Get(*at).Text(&field_digits), from.Get(value).Text(&value_digits));
      *at = from.Next(value);
    });
  }

  void ReadPackedZset() {
    std::string scratch;
    const PackedList list = ReadPacked(2, &scratch);
    if (in_.failed()) return;
    if (list.size() / 2 <= forms_.limits->zset_max_listpack_entries &&
        IsSound(list, 2,
                std::max(forms_.limits->zset_max_listpack_value, protocol::kMaxDoubleText)) &&
        SortedSetValue::IsInOrder(list)) {
      object_ = SortedSetValue::OfPacked(list).object();
      return;
    }
    object_ = SortedSetValue::New().object();
    Rebuild(list, [this](PackedList from, PackedList::Position* at) {
      Element::Digits member_digits, score_digits;
      const PackedList::Position score = from.Next(*at);
      const auto number = protocol::ParseDouble(from.Get(score).Text(&score_digits));
      if (!number) return in_.Fail("a score that isn't a number");
      AddScore(from.Get(*at).Text(&member_digits), *number);
      *at = from.Next(score);
    });
  }

  // add(list, &position) takes a group of entries; frees the list.
  template <typename AddGroup>
  void Rebuild(PackedList list, AddGroup&& add) {
    if (in_.failed()) return;
    for (auto at = list.First(); at != PackedList::kNone && !in_.failed();) add(list, &at);
    list.Free();
    if (object_.address == nullptr && !in_.failed()) in_.Fail("an empty container");
  }

  void AddField(std::string_view field, std::string_view value) {
    HashValue hash(object_);
    if (!hash.Set(field, value, forms_)) in_.Fail("a field of a hash that comes twice");
    object_ = hash.object();
  }

  void ReadHash() {
    const uint64_t count = in_.Length();
    const bool small = count <= forms_.limits->hash_max_listpack_entries;
    object_ = (small ? HashValue::New() : HashValue::NewTable(Room(count), forms_)).object();
    std::string field_scratch, value_scratch;
    for (uint64_t i = 0; i < count && !in_.failed(); ++i) {
      const std::string_view field = in_.String(&field_scratch);
      const std::string_view value = in_.String(&value_scratch);
      if (!in_.failed()) AddField(field, value);
    }
  }

  void AddScore(std::string_view member, double score) {
    SortedSetValue set(object_);
    if (std::isnan(score)) return in_.Fail("a score that isn't a number");
    if (set.Add(member, score, forms_) != SortedSetValue::Added::kNew) {
      in_.Fail("a member of a sorted set that comes twice");
    }
    object_ = set.object();
  }

  double ReadDigits() {
    const uint8_t size = in_.Byte();
    constexpr uint8_t kNotANumber = 253, kInfinity = 254, kMinusInfinity = 255;
    if (size == kInfinity) return std::numeric_limits<double>::infinity();
    if (size == kMinusInfinity) return -std::numeric_limits<double>::infinity();
    if (size == kNotANumber) return std::numeric_limits<double>::quiet_NaN();
    std::string digits;
    for (int i = 0; i < size; ++i) digits.push_back(static_cast<char>(in_.Byte()));
    return protocol::ParseDouble(digits).value_or(std::numeric_limits<double>::quiet_NaN());
  }

  void ReadZset() {
    const uint64_t count = in_.Length();
    const bool small = count <= forms_.limits->zset_max_listpack_entries;
    object_ =
        (small ? SortedSetValue::New() : SortedSetValue::NewTree(Room(count), forms_)).object();
    std::string scratch;
    for (uint64_t i = 0; i < count && !in_.failed(); ++i) {
      const std::string_view member = in_.String(&scratch);
      const double score = type_ == kZset ? std::bit_cast<double>(in_.Integer(8)) : ReadDigits();
      if (!in_.failed()) AddScore(member, score);
    }
  }

  RdbReader& in_;
  const Forms& forms_;
  uint8_t type_ = 0;
  Object object_;
};

}  // namespace

uint8_t RdbTypeOf(const Entry& entry) {
  switch (entry.type()) {
    case Type::kString:
      return kRdbTypeString;
    case Type::kList:
      return kQuickList;
    case Type::kSet:
      return entry.object().form == SetValue::kIntegers ? kIntSet
             : entry.object().form == SetValue::kPacked ? kPackedSet
                                                        : kSet;
    case Type::kSortedSet:
      return entry.object().form == SortedSetValue::kPacked ? kPackedZset : kZset;
    case Type::kHash:
      return entry.object().form == HashValue::kPacked ? kPackedHash : kHash;
    case Type::kStream:
      return kRdbTypeStream3;
  }
  assert(false);
  return 0;
}

void WriteRdbValue(RdbWriter* out, const Entry& entry) {
  Entry::Digits digits;
  switch (entry.type()) {
    case Type::kString:
      return out->String(entry.Text(&digits));
    case Type::kList:
      return WriteList(out, ListValue(entry.object()));
    case Type::kSet:
      return WriteSet(out, SetValue(entry.object()));
    case Type::kSortedSet:
      return WriteSortedSet(out, SortedSetValue(entry.object()));
    case Type::kHash:
      return WriteHash(out, HashValue(entry.object()));
    case Type::kStream:
      return WriteRdbStream(out, Stream::Of(entry.object()));
  }
}

bool IsRdbContainerType(uint8_t rdb_type) {
  for (uint8_t each : {kList, kSet, kZsetDigits, kHash, kZset, kZipMapHash, kZipList, kIntSet,
                       kZipZset, kZipHash, kQuickListOfZips, kPackedHash, kPackedZset, kQuickList,
                       kPackedSet, kRdbTypeStream1, kRdbTypeStream2, kRdbTypeStream3}) {
    if (each == rdb_type) return true;
  }
  return false;
}

void ReadRdbContainer(RdbReader* in, uint8_t rdb_type, const Forms& forms, Type* type,
                      Object* object) {
  ValueReader(in, forms).Read(rdb_type, type, object);
}

}  // namespace understudy::targets::kv
