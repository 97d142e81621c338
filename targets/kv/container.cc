#include "targets/kv/container.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <limits>

#include "targets/kv/hash_value.h"
#include "targets/kv/list_value.h"
#include "targets/kv/set_value.h"
#include "targets/kv/sorted_set_value.h"
#include "targets/kv/stream.h"

namespace understudy::targets::kv {
namespace {

constexpr size_t kNodeElements = 64;  // about what a node costs, in elements

// Frees the items of a hash table, then the table.
template <typename Table, typename FreeItem>
bool FreeTable(Table* table, size_t* budget, FreeItem free_item) {
  size_t freed = 0;
  // A bucket holds five items on average; empty ones cost something too.
  const bool done = table->Drain(*budget / 8 + 1, [&](auto* item) {
    free_item(item);
    ++freed;
  });
  *budget -= std::min(*budget, done ? freed : *budget);
  return done;
}

bool FreeTree(SortedSetValue::Tree* tree, size_t* budget) {
  if (tree->order.size() > 0 && !tree->order.FreeSome(*budget / kNodeElements + 1)) {
    *budget = 0;
    return false;
  }
  return FreeTable(&tree->table, budget, ScoredMember::Free);
}

template <typename Table>
size_t TableMemory(const Table& table) {
  size_t bytes = table.memory();
  table.ForEach([&bytes](const auto* item) { bytes += item->memory(); });
  return bytes;
}

}  // namespace

bool FreeSome(Type type, Object* object, size_t* budget) {
  bool done = false;
  switch (type) {
    case Type::kList: {
      const ListValue list(*object);
      if (list.IsPacked()) break;
      const size_t nodes = list.chain()->nodes();
      done = list.chain()->FreeSome(*budget / kNodeElements + 1);
      *budget -= done ? std::min(*budget, nodes * kNodeElements) : *budget;
      if (done) delete list.chain();
      return done;
    }
    case Type::kHash: {
      const HashValue hash(*object);
      if (hash.IsPacked()) break;
      done = FreeTable(hash.table(), budget, FieldPair::Free);
      if (done) delete hash.table();
      return done;
    }
    case Type::kSet: {
      const SetValue set(*object);
      if (set.form() != SetValue::kTable) break;
      done = FreeTable(set.table(), budget, SetMember::Free);
      if (done) delete set.table();
      return done;
    }
    case Type::kSortedSet: {
      const SortedSetValue set(*object);
      if (set.IsPacked()) break;
      done = FreeTree(set.tree(), budget);
      if (done) delete set.tree();
      return done;
    }
    case Type::kStream:
      done = Stream::Of(*object).DropSome(budget);
      if (done) delete &Stream::Of(*object);
      return done;
    case Type::kString:
      assert(false);
  }
  std::free(object->address);
  *budget -= std::min<size_t>(*budget, 1);
  return true;
}

void Free(Type type, Object object) {
  size_t budget = 0;
  do {
    budget = std::numeric_limits<size_t>::max() / 2;
  } while (!FreeSome(type, &object, &budget));
}

bool FreesAtOnce(Type type, Object object) {
  switch (type) {
    case Type::kList: {
      const ListValue list(object);
      return list.IsPacked() || list.chain()->nodes() <= kFreeAtOnce;
    }
    case Type::kHash:
    case Type::kSortedSet:
      return object.form == 0 || SizeOf(type, object) <= kFreeAtOnce;
    case Type::kSet:
      return object.form != SetValue::kTable || SizeOf(type, object) <= kFreeAtOnce;
    case Type::kStream:
      return Stream::Of(object).nodes() <= kFreeAtOnce && Stream::Of(object).groups().empty();
    case Type::kString:
      break;
  }
  assert(false);
  return true;
}

Object Copy(Type type, Object object, const Forms& forms) {
  switch (type) {
    case Type::kList:
      return ListValue(object).Copy().object();
    case Type::kHash:
      return HashValue(object).Copy(forms).object();
    case Type::kSet:
      return SetValue(object).Copy(forms).object();
    case Type::kSortedSet:
      return SortedSetValue(object).Copy(forms).object();
    case Type::kStream:
      return (new Stream(Stream::Of(object)))->object();
    case Type::kString:
      break;
  }
  assert(false);
  return {};
}

size_t SizeOf(Type type, Object object) {
  switch (type) {
    case Type::kList:
      return ListValue(object).size();
    case Type::kHash:
      return HashValue(object).size();
    case Type::kSet:
      return SetValue(object).size();
    case Type::kSortedSet:
      return SortedSetValue(object).size();
    case Type::kStream:
      return Stream::Of(object).length();
    case Type::kString:
      break;
  }
  assert(false);
  return 0;
}

size_t MemoryOf(Type type, Object object) {
  switch (type) {
    case Type::kList: {
      const ListValue list(object);
      return list.IsPacked() ? list.packed().memory() : list.chain()->memory();
    }
    case Type::kHash: {
      const HashValue hash(object);
      return hash.IsPacked() ? hash.packed().memory()
                             : sizeof(HashValue::Table) + TableMemory(*hash.table());
    }
    case Type::kSet: {
      const SetValue set(object);
      if (set.form() == SetValue::kIntegers) return set.integers().memory();
      return set.form() == SetValue::kPacked ? set.packed().memory()
                                             : sizeof(SetValue::Table) + TableMemory(*set.table());
    }
    case Type::kSortedSet: {
      const SortedSetValue set(object);
      if (set.IsPacked()) return set.packed().memory();
      return sizeof(SortedSetValue::Tree) + set.tree()->order.memory() +
             TableMemory(set.tree()->table);
    }
    case Type::kStream:
      return Stream::Of(object).memory();
    case Type::kString:
      break;
  }
  assert(false);
  return 0;
}

std::string_view EncodingName(Type type, Object object) {
  constexpr std::string_view kSetNames[] = {"intset", "listpack", "hashtable"};
  switch (type) {
    case Type::kList:
      return object.form == ListValue::kPacked ? "listpack" : "quicklist";
    case Type::kHash:
      return object.form == HashValue::kPacked ? "listpack" : "hashtable";
    case Type::kSet:
      return kSetNames[object.form];
    case Type::kSortedSet:
      return object.form == SortedSetValue::kPacked ? "listpack" : "skiplist";
    case Type::kString:
      break;
    case Type::kStream:
      return "stream";
  }
  assert(false);
  return {};
}

}  // namespace understudy::targets::kv
