#include "api/request.hpp"

#include "base/check.hpp"
#include "engine/system_service.hpp"

namespace davit::api {
namespace {

std::string_view mediaType(std::string_view content_type) {
    content_type = content_type.substr(0, content_type.find(';'));
    const auto end = content_type.find_last_not_of(" \t");
    return end == std::string_view::npos ? std::string_view() : content_type.substr(0, end + 1);
}

}  // namespace

Request::Request(http::Exchange exchange, ApiVersion version, Variables variables, http::Query query)
    : exchange_(std::move(exchange)), version_(version), variables_(std::move(variables)), query_(std::move(query)) {}

http::Query Request::queryOf(const http::Exchange& exchange) {
    const std::string& target = exchange.request().target;
    const auto mark = target.find('?');
    if (mark == std::string::npos) return {};
    return http::Query::parse(std::string_view(target).substr(mark + 1));
}

const std::string& Request::variable(std::string_view name) const { return variables_.find(name)->second; }

json::Document Request::json() {
    auto document = optionalJson();
    if (!document) throw error(Code::invalid, "invalid JSON: got EOF while reading request body");
    return std::move(*document);
}

std::optional<json::Document> Request::optionalJson() {
    const std::string_view content_type = head().headers.value("Content-Type");
    const std::string text = exchange_.readBody();
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return std::nullopt;
    if (!http::equalNames(mediaType(content_type), "application/json"))
        throw error(Code::invalid, "unsupported Content-Type header ({}): must be 'application/json'", content_type);
    return json::Document::parse(text);
}

http::Headers Request::commonHeaders() {
    return {{"Api-Version", std::string(engine::kApiVersion)},
            {"Docker-Experimental", "false"},
            {"Ostype", "linux"},
            {"Server", "davit (linux)"}};
}

void Request::reply(unsigned status, const json::Writer& body) {
    replyText(status, "application/json", std::string(body.text()) + "\n");
}

void Request::replyText(unsigned status, std::string content_type, std::string_view text) {
    http::Headers headers = commonHeaders();
    headers.add("Content-Type", std::move(content_type));
    exchange_.respond(status, std::move(headers), text);
}

void Request::replyEmpty(unsigned status) { exchange_.respond(status, commonHeaders(), ""); }

http::BodyWriter Request::startStream(unsigned status, std::string content_type) {
    http::Headers headers = commonHeaders();
    headers.add("Content-Type", std::move(content_type));
    return exchange_.startStream(status, std::move(headers));
}

}  // namespace davit::api
