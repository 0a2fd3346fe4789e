/// How the dashboard looks: light and dark, narrow and wide.
enum DashboardStyle {
    static let text = """
        :root {
          --back: #f6f7f9; --card: #ffffff; --text: #1c2430; --soft: #5b6675; --line: #dde2e8;
          --good: #146c43; --bad: #b02a37; --warn: #8a5a00; --ink: #1f5fbf;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --back: #12161c; --card: #1b212a; --text: #e6eaf0; --soft: #9aa7b7; --line: #2d3643;
            --good: #63d297; --bad: #ff8a93; --warn: #f0bf57; --ink: #7fb0ff;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; background: var(--back); color: var(--text);
          font: 15px/1.45 system-ui, sans-serif;
        }
        header, main { max-width: 1200px; margin: 0 auto; padding: 12px 16px; }
        header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; }
        h1 { font-size: 22px; margin: 0; }
        h2 { font-size: 17px; margin: 22px 0 8px; }
        h3 { font-size: 15px; margin: 12px 0 4px; }
        p { margin: 0; }
        #process { color: var(--soft); }
        #trouble {
          background: var(--card); border-left: 4px solid var(--bad); padding: 8px 12px;
          margin-bottom: 10px;
        }
        .tiles { display: grid; gap: 10px; grid-template-columns: repeat(4, 1fr); }
        figure, .pool {
          margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
          padding: 10px 12px;
        }
        .pool { margin-bottom: 10px; }
        figcaption { color: var(--soft); font-size: 13px; }
        figcaption b { display: block; color: var(--text); font-size: 22px; }
        svg { display: block; width: 100%; height: 48px; }
        svg path { fill: none; stroke: var(--ink); stroke-width: 1.5; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { padding: 4px 8px; text-align: right; white-space: nowrap; }
        th { color: var(--soft); font-weight: 500; font-size: 13px; }
        td { border-top: 1px solid var(--line); }
        th:first-child, td:first-child, .left { text-align: left; }
        td.why { white-space: normal; text-align: left; min-width: 12em; color: var(--soft); }
        td.why.held { color: var(--warn); }
        .up { color: var(--good); } .out { color: var(--bad); font-weight: 600; }
        .held { color: var(--warn); font-weight: 600; }
        .note { color: var(--warn); }
        button, input, select {
          font: inherit; color: inherit; background: var(--back); padding: 2px 8px;
          border: 1px solid var(--line); border-radius: 6px; min-height: 28px;
        }
        button { cursor: pointer; }
        button:focus-visible, input:focus-visible, summary:focus-visible {
          outline: 2px solid var(--ink); outline-offset: 1px;
        }
        input.weight { width: 5em; text-align: right; }
        #events { list-style: none; margin: 0; padding: 0; max-height: 22em; overflow-y: auto; }
        #events li { padding: 3px 0; border-top: 1px solid var(--line); }
        #events time { color: var(--soft); margin-right: 8px; }
        .none { color: var(--soft); }
        details { margin: 22px 0; }
        pre {
          background: var(--card); border: 1px solid var(--line); border-radius: 8px;
          padding: 10px; overflow-x: auto; font-size: 13px;
        }
        [hidden] { display: none !important; }
        @media (max-width: 760px) {
          .tiles { grid-template-columns: repeat(2, 1fr); }
          figcaption b { font-size: 18px; }
          header, main { padding: 10px; }
          .wide { display: none; }
        }
        """
}
