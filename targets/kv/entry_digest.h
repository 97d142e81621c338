// The digest of a key and all it holds. The form in which a value is kept has no part in it, nor
// the order of what has none (fields of a hash, members of a set).
#pragma once

#include "targets/digest.h"
#include "targets/kv/entry.h"

namespace understudy::targets::kv {

Digest160 DigestOf(int db, const Entry& entry);
// Of the value alone: equal for equal values under different keys.
Digest160 DigestOfValue(const Entry& entry);

}  // namespace understudy::targets::kv
