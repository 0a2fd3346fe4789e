/// The page at `/` of the admin API: everything in one document, nothing from elsewhere.
enum DashboardPage {
    /// The page; `nonce` is what its parts and the answer's policy have in common.
    static func html(nonce: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Weir</title>
        <style nonce="\(nonce)">
        \(DashboardStyle.text)
        </style>
        </head>
        <body>
        \(body)
        <script nonce="\(nonce)">
        \(DashboardScript.text)
        \(DashboardScript.controls)
        </script>
        </body>
        </html>

        """
    }

    /// What a browser may do with the page (Content Security Policy).
    static func policy(nonce: String) -> String {
        "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; "
            + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    private static let body = """
        <header>
        <h1>Weir</h1>
        <p id="process" role="status">connecting …</p>
        <form id="login" hidden>
        <label>Token <input id="token" type="password" autocomplete="off"></label>
        <button>Open</button>
        </form>
        </header>
        <main>
        <p id="trouble" role="alert" hidden></p>
        <section aria-label="Traffic" class="tiles">
        <figure><figcaption>Requests a second <b id="rate">–</b></figcaption>
        <svg id="rate-plot" viewBox="0 0 240 60" preserveAspectRatio="none"
        role="img" aria-label="Requests a second over the last two minutes"></svg></figure>
        <figure><figcaption>Latency, median <b id="p50">–</b></figcaption>
        <svg id="p50-plot" viewBox="0 0 240 60" preserveAspectRatio="none"
        role="img" aria-label="Median latency over the last two minutes"></svg></figure>
        <figure><figcaption>Latency, 99 % within <b id="p99">–</b></figcaption>
        <svg id="p99-plot" viewBox="0 0 240 60" preserveAspectRatio="none"
        role="img" aria-label="99th percentile of latency over the last two minutes"></svg></figure>
        <figure><figcaption>Answered 5xx <b id="errors">–</b></figcaption>
        <svg id="errors-plot" viewBox="0 0 240 60" preserveAspectRatio="none"
        role="img" aria-label="Share of 5xx answers over the last two minutes"></svg></figure>
        </section>
        <section aria-labelledby="pools-title">
        <h2 id="pools-title">Pools</h2>
        <div id="pools"></div>
        </section>
        <section aria-labelledby="listeners-title">
        <h2 id="listeners-title">Listeners and routes</h2>
        <div class="scroll"><table id="listeners"></table></div>
        <div class="scroll"><table id="routes"></table></div>
        </section>
        <section aria-labelledby="events-title">
        <h2 id="events-title">Events</h2>
        <ol id="events"><li class="none">nothing has happened yet</li></ol>
        </section>
        <section aria-labelledby="workers-title">
        <h2 id="workers-title">Workers</h2>
        <div class="scroll"><table id="workers"></table></div>
        </section>
        <details id="config-box">
        <summary>Configuration in force</summary>
        <pre id="config"></pre>
        </details>
        </main>
        """
}
