// SPDX-License-Identifier: MIT
// What the documents say of the health of endpoints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "onehop/admin/view.h"
#include "onehop/telemetry/exposition.h"

namespace onehop::admin {

// For /stats: adds "health" to an upstream, and to its endpoints that are there.
void add_health(const ShownUpstream& shown, nlohmann::ordered_json& upstream);

// For /metrics.
void write_health(const View& view, telemetry::ExpositionWriter& writer);

// /events: the latest of each upstream, the newest last.
std::string events_document(const View& view);

}  // namespace onehop::admin
