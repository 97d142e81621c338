// What lists, hashes, sets, sorted sets and streams have in common.
//
// Each has a class (ListValue, HashValue, SetValue, SortedSetValue) with the operations of its
// type, over a compact form for small values and another for big ones. (A Stream has one form, and
// is no handle but the value itself.) Such a value is a handle: an
// Object, which says where the value is and in which form. The entry of the key holds the object;
// whoever changes a value through a handle puts handle.object() back into the entry afterwards,
// since address and form may have changed. Copying a handle doesn't copy the value. An object that
// is in no entry must be freed by whoever took it out.
//
// Values know no key, no reply and no effect. Texts given to them must not point into them;
// elements got from them are valid until they change. Throws nothing but std::bad_alloc.
#pragma once

#include <cstdint>
#include <string_view>

#include "targets/container_limits.h"
#include "targets/kv/entry.h"
#include "targets/kv/hash_table.h"

namespace understudy::targets::kv {

// What a container needs to know when it changes its form.
struct Forms {
  const KeyHasher* hasher;  // outlives all containers
  const ContainerLimits* limits;
};

// Big values are freed in steps: `budget` says how many elements (about) may be freed, and goes
// down by what was. True when the value is gone.
bool FreeSome(Type type, Object* object, size_t* budget);
void Free(Type type, Object object);
// Whether a value is small enough, or in one piece, to be freed at once: at most kFreeAtOnce
// elements.
inline constexpr size_t kFreeAtOnce = 64;
bool FreesAtOnce(Type type, Object object);

Object Copy(Type type, Object object, const Forms& forms);
size_t SizeOf(Type type, Object object);                  // elements, fields, or entries
size_t MemoryOf(Type type, Object object);                // bytes asked of the allocator; O(n)
std::string_view EncodingName(Type type, Object object);  // the word of OBJECT ENCODING

}  // namespace understudy::targets::kv
