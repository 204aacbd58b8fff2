// SPDX-License-Identifier: MIT
// What somebody meant who wrote a host or an address as another program, or a browser, has it.
#pragma once

#include <string>
#include <string_view>

namespace onehop::config {

// Why it is no host of a route, and which one may be meant: `a scheme; did you mean "a.org"?`.
// Empty where there is nothing to say. `text` does not fit Text::host.
std::string meant_host(std::string_view text);

// The same for the address of a listener or of the admin endpoint.
std::string meant_listen_address(std::string_view text);

}  // namespace onehop::config
