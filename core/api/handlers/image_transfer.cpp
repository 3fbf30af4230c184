// Images as streams: load, get (save), create (import).
#include "api/errors.hpp"
#include "api/handlers/handlers.hpp"
#include "api/tar_reply.hpp"
#include "api/views/image_view.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

// Progress in JSON lines. Once a line is out, a failure is one more line; before, it is a status of its own.
class ProgressStream {
  public:
    explicit ProgressStream(Request& request) : request_(request) {}

    void write(std::string_view line) {
        if (!body_) body_.emplace(request_.startStream(200, "application/json"));
        body_->write(line);
    }
    [[nodiscard]] bool begun() const noexcept { return body_.has_value(); }
    void finish() {
        if (!body_) body_.emplace(request_.startStream(200, "application/json"));
        body_->finish();
    }

  private:
    Request& request_;
    std::optional<http::BodyWriter> body_;
};

void save(const Context& context, Request& request, const std::vector<std::string>& names) {
    TarReply tar(request);
    context.engine.images().save(names, tar);
    tar.finish();
}

void load(const Context& context, Request& request) {
    ProgressStream progress(request);
    try {
        (void)context.engine.images().load(
            request.exchange().body(),
            {.quiet = request.query().flag("quiet", true), .platform = request.query().all("platform")},
            [&](const image::TransferMessage& message) { progress.write(progressLine(message)); });
    } catch (const Error& failure) {
        // dockerd answers 200 and says it in the stream; clients look for it there.
        if (!progress.begun() && failure.code() == Code::cancelled) throw;
        progress.write(streamedError(failure.text()));
    }
    progress.finish();
}

std::string importReference(const http::Query& query) {
    const std::string repo = query.get("repo");
    const std::string tag = query.get("tag");
    return repo.empty() || tag.empty() ? repo : repo + ":" + tag;
}

void importTar(const Context& context, Request& request) {
    const http::Query& query = request.query();
    if (query.get("fromSrc") != "-")
        throw error(Code::unimplemented, "importing from a URL is not supported: send the archive itself (fromSrc=-)");
    ProgressStream progress(request);
    image::ImportRequest import;
    import.source = &request.exchange().body();
    import.changes = query.all("changes");
    import.reference = importReference(query);
    import.message = query.get("message");
    import.platform = query.get("platform");
    try {
        const std::string id = context.engine.images().import(
            import, [&](const image::TransferMessage& message) { progress.write(progressLine(message)); });
        progress.write(progressLine({.stream = {}, .status = id, .id = {}}));
    } catch (const Error& failure) {
        if (!progress.begun()) throw;
        progress.write(streamedError(failure.text()));
    }
    progress.finish();
}

void create(const Context& context, Request& request) {
    const std::string image = request.query().get("fromImage");
    if (image.empty()) return importTar(context, request);
    throw error(Code::unimplemented,
                "pulling {} is not supported: this version of davit has no registry client yet; use docker load",
                image);
}

}  // namespace

void addImageTransferRoutes(Router& router, const Context& context) {
    router.add("GET", "/images/get", [&context](Request& request) {
        const auto names = request.query().all("names");
        if (names.empty()) throw error(Code::invalid, "no image names given");
        save(context, request, names);
    });
    router.add("GET", "/images/{name}/get",
               [&context](Request& request) { save(context, request, {request.variable("name")}); });
    router.add("POST", "/images/load", [&context](Request& request) { load(context, request); });
    router.add("POST", "/images/create", [&context](Request& request) { create(context, request); });
}

}  // namespace davit::api
