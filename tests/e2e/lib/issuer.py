# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that publishes what it is told to, and counts who asks."""

import http.server
import ssl
import threading


class Issuer:
    """pages: path to (status, body, fields), or to a function that answers the handler itself."""

    def __init__(self, pages, port=0, pair=None):
        self.pages, self.asked = pages, []
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                page = issuer.pages.get(self.path, (404, b"", {}))
                if callable(page):
                    page(self)
                    return
                status, body, fields = page
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in fields.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *words):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *words):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair["certificate"], pair["key"])
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def times(self, path):
        return self.asked.count(path)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
