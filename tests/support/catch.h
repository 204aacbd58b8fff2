// SPDX-License-Identifier: MIT
// The one door to Catch2: the single header of version 2 or the headers of version 3, whichever is
// installed. Tests include this and nothing of Catch2 directly.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
