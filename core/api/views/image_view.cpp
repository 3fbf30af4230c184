#include "api/views/image_view.hpp"

#include "api/views/common.hpp"
#include "runtime/container_config_json.hpp"

namespace davit::api {

void writeImageSummary(json::Writer& out, const image::ImageSummary& summary, const ImageViewOptions& options) {
    const image::Image& image = summary.image;
    const bool nameless = options.none_names && image.repo_tags.empty() && image.repo_digests.empty();
    out.object([&] {
        out.member("Containers", summary.containers);
        out.member("Created", image.created ? unixSeconds(*image.created) : 0);
        out.member("Id", image.id);
        out.key("Labels");
        if (image.config->config.labels.empty())
            out.null();
        else
            out.value(image.config->config.labels);
        out.member("ParentId", image.parent);
        out.member("RepoDigests", nameless ? std::vector<std::string>{"<none>@<none>"} : image.repo_digests);
        out.member("RepoTags", nameless ? std::vector<std::string>{"<none>:<none>"} : image.repo_tags);
        out.member("SharedSize", summary.shared_size);
        out.member("Size", image.size);
        if (options.virtual_size) out.member("VirtualSize", image.size);
    });
}

void writeImageDetails(json::Writer& out, const engine::ImageDetails& details, const ImageViewOptions& options) {
    const image::Image& image = details.image;
    const oci::ImageConfig& config = *image.config;
    const json::Document document = json::Document::parse(*image.config_json);
    out.object([&] {
        out.member("Id", image.id);
        out.member("RepoTags", image.repo_tags);
        out.member("RepoDigests", image.repo_digests);
        out.member("Parent", image.parent);
        out.member("Comment", config.comment);
        out.member("Created", timeText(image.created));
        if (options.container_config) {
            out.member("Container", document.root()["container"].string());
            out.key("ContainerConfig");
            runtime::write(out, runtime::readContainerConfig(document.root()["container_config"]));
        }
        out.member("DockerVersion", config.docker_version);
        out.member("Author", config.author);
        out.key("Config");
        runtime::write(out, runtime::readContainerConfig(document.root()["config"]));
        out.member("Architecture", config.architecture);
        if (!config.variant.empty()) out.member("Variant", config.variant);
        out.member("Os", config.os);
        if (!config.os_version.empty()) out.member("OsVersion", config.os_version);
        out.member("Size", image.size);
        if (options.virtual_size) out.member("VirtualSize", image.size);
        out.object("GraphDriver", [&] {
            out.key("Data");
            if (details.storage_data.empty())
                out.null();
            else
                out.value(details.storage_data);
            out.member("Name", details.storage_driver);
        });
        out.object("RootFS", [&] {
            out.member("Type", "layers");
            if (!config.diff_ids.empty()) out.member("Layers", config.diff_ids);
        });
        out.object("Metadata", [&] { out.member("LastTagTime", timeText(image.last_tag_time)); });
    });
}

void writeHistory(json::Writer& out, const std::vector<image::HistoryLine>& lines) {
    out.array([&] {
        for (const image::HistoryLine& line : lines)
            out.object([&] {
                out.member("Comment", line.comment);
                out.member("Created", line.created ? unixSeconds(*line.created) : 0);
                out.member("CreatedBy", line.created_by);
                out.member("Id", line.id);
                out.member("Size", line.size);
                writeStringsOrNull(out, "Tags", line.tags);
            });
    });
}

void writeRemoved(json::Writer& out, const std::vector<image::RemovedImage>& removed) {
    out.array([&] {
        for (const image::RemovedImage& line : removed)
            out.object([&] {
                if (line.untagged.empty())
                    out.member("Deleted", line.deleted);
                else
                    out.member("Untagged", line.untagged);
            });
    });
}

std::string progressLine(const image::TransferMessage& message) {
    json::Writer out;
    out.object([&] {
        if (!message.stream.empty()) {
            out.member("stream", message.stream);
            return;
        }
        out.member("status", message.status);
        if (message.total > 0)
            out.object("progressDetail", [&] {
                out.member("current", message.current);
                out.member("total", message.total);
            });
        if (!message.id.empty()) out.member("id", message.id);
    });
    return out.take() + "\r\n";
}

}  // namespace davit::api
