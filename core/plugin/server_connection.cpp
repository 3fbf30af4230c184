#include "plugin/server_connection.hpp"

#include "base/error.hpp"
#include "http/tls.hpp"

namespace davit::plugin {

std::unique_ptr<http::Stream> connectTo(const ServerAddress& address, http::Deadline deadline) {
    try {
        switch (address.scheme) {
            case ServerAddress::Scheme::unix_socket: return http::connectUnix(address.path, deadline);
            case ServerAddress::Scheme::tcp: return http::connectTcp(address.host, address.port, deadline);
            case ServerAddress::Scheme::tls:
                return http::connectTls({.host = address.host,
                                         .port = address.port,
                                         .files = address.tls,
                                         .verify = address.verify,
                                         .deadline = deadline});
        }
    } catch (const Error& e) {
        if (e.code() == Code::deadline || e.code() == Code::forbidden) throw;
        throw Error(Code::unavailable, e.text(), e.sysErrno());
    }
    throw Error(Code::invalid, "unknown kind of plugin address");
}

}  // namespace davit::plugin
