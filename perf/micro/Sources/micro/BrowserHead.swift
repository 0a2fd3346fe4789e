/// What a browser sends: 13 fields, 830 bytes.
let browserHead = Array(browserLines.joined(separator: "\r\n").utf8)

private let browserLines = [
    "GET /static/app/assets/main.3f2a1c.js?v=20261101 HTTP/1.1",
    "Host: www.example.com",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chr"
        + "ome/131.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Referer: https://www.example.com/products/index.html?page=2",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Cache-Control: max-age=0",
    "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; _ga=GA1.1.1234567890.173"
        + "0000000; consent=abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456"
        + "789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq",
    "Connection: keep-alive",
    "Upgrade-Insecure-Requests: 1",
    "", "",
]
