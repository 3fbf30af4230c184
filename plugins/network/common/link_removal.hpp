// Removes links of the calling thread's network namespace. That takes tens of milliseconds each: the kernel waits for every CPU.
#pragma once

#include <string>

namespace davit {

/// One that isn't there is no error. Throws Error{system}.
void removeLink(const std::string& name);

/// The same for a link that is known as ours by its alias; one of that name with another alias stays.
void removeOwnLink(const std::string& name, const std::string& alias);

}  // namespace davit
