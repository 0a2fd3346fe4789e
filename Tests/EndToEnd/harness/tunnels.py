"""Connections of HTTP/1 that become tunnels."""

# Fields of a request that asks for one, and the answer that makes it one.
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def mirroring(connection):
    """A script that sends everything back once the connection is a tunnel."""
    connection.request()
    connection.send(SWITCHED)
    while connection.buffer or connection.fill():
        data, connection.buffer = connection.buffer, b""
        connection.send(data)
