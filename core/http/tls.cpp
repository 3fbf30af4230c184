#include "http/tls.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "base/check.hpp"
#include "http/tls_stream.hpp"

namespace davit::http {
namespace {

using Poco::Net::Context;
using Poco::Net::SecureStreamSocket;

// Lets Poco take a descriptor of ours.
class AdoptedSocket final : public Poco::Net::StreamSocket {
  public:
    explicit AdoptedSocket(UniqueFd socket) : StreamSocket(new Poco::Net::StreamSocketImpl(socket.release())) {
        setBlocking(false);
    }
};

void initialise() {
    static const bool done = [] {
        Poco::Net::initializeSSL();
        return true;
    }();
    (void)done;
}

Context::Ptr makeContext(Context::Usage usage, const TlsFiles& files, Context::VerificationMode mode) {
    initialise();
    Context::Params params;
    params.privateKeyFile = files.key;
    params.certificateFile = files.cert;
    params.caLocation = files.ca;
    params.loadDefaultCAs = files.ca.empty() && usage == Context::TLS_CLIENT_USE;
    params.verificationMode = mode;
    params.cipherList = "HIGH:!aNULL:!MD5:!3DES";
    try {
        Context::Ptr context = new Context(usage, params);
        context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
        // A queue's bytes move between attempts, and a part of them may go out.
        SSL_CTX_set_mode(context->sslContext(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        return context;
    } catch (const Poco::Exception& failure) {
        throw error(Code::invalid, "tls: certificate {}, key {}, CA {}: {}", files.cert, files.key, files.ca,
                    failure.displayText());
    }
}

void shakeHands(SecureStreamSocket& socket, const TlsConnectOptions& options) {
    while (true) {
        const int result = socket.completeHandshake();
        if (result == 1) break;
        const bool writes = result == SecureStreamSocket::ERR_SSL_WANT_WRITE;
        if (!writes && result != SecureStreamSocket::ERR_SSL_WANT_READ)
            throw error(Code::unavailable, "tls handshake with {}:{}: connection closed", options.host, options.port);
        if (!pollUntil(socket.impl()->sockfd(), writes ? POLLOUT : POLLIN, options.deadline))
            throw error(Code::deadline, "tls handshake with {}:{}: i/o timeout", options.host, options.port);
    }
    if (options.verify) socket.verifyPeerCertificate(options.host);
}

}  // namespace

AcceptStream serverTls(const TlsFiles& files, bool verify_client) {
    if (files.cert.empty() || files.key.empty())
        throw error(Code::invalid, "tls: a certificate and its key are needed");
    if (verify_client && files.ca.empty()) throw error(Code::invalid, "tls: verifying clients needs a CA certificate");
    const auto mode = verify_client ? Context::VERIFY_STRICT : Context::VERIFY_NONE;
    Context::Ptr context = makeContext(Context::TLS_SERVER_USE, files, mode);
    // "Extended" compares a certificate with the peer's address, which for clients means nothing.
    context->enableExtendedCertificateVerification(false);
    return [context](UniqueFd socket) -> std::unique_ptr<Stream> {
        try {
            return std::make_unique<TlsStream>(SecureStreamSocket::attach(AdoptedSocket(std::move(socket)), context),
                                               TlsStream::Side::server);
        } catch (const Poco::Exception& failure) {
            throw error(Code::system, "tls: {}", failure.displayText());
        }
    };
}

std::unique_ptr<Stream> connectTls(const TlsConnectOptions& options) {
    const auto mode = options.verify ? Context::VERIFY_STRICT : Context::VERIFY_NONE;
    const Context::Ptr context = makeContext(Context::TLS_CLIENT_USE, options.files, mode);
    UniqueFd fd = connectTcp(options.host, options.port, options.deadline)->releaseFd();
    try {
        SecureStreamSocket socket = SecureStreamSocket::attach(AdoptedSocket(std::move(fd)), options.host, context);
        shakeHands(socket, options);
        return std::make_unique<TlsStream>(std::move(socket), TlsStream::Side::client);
    } catch (const Poco::Net::SSLException& failure) {  // a certificate that isn't trusted will not be in a moment either
        throw error(Code::forbidden, "tls handshake with {}:{}: {}", options.host, options.port, failure.displayText());
    } catch (const Poco::Exception& failure) {
        throw error(Code::unavailable, "tls handshake with {}:{}: {}", options.host, options.port,
                    failure.displayText());
    }
}

}  // namespace davit::http
