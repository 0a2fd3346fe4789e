extension DashboardScript {
    /// The part with the pools' controls, and what keeps the page going.
    static let controls = #"""
        function kind(state) {
          if (state === "up") return "up";
          return state === "drain" || state === "half-open" ? "held" : "out";
        }
        function why(endpoint) {
          if (endpoint.state === "up" && endpoint.recent.remark) return endpoint.recent.remark;
          if (endpoint.state === "up") return endpoint.operator || "";
          let text = endpoint.reason || "";
          if (endpoint.until && endpoint.state === "ejected") {
            text += ", until " + clock(endpoint.until);
          } else if (endpoint.since && text) {
            text += ", since " + clock(endpoint.since);
          }
          return text;
        }
        async function change(pool, server, body) {
          const path = "/pools/" + encodeURIComponent(pool) + "/servers/"
            + encodeURIComponent(server);
          let words = "";
          try {
            const answer = await fetch(path, {
              method: "PATCH", body: JSON.stringify(body),
              headers: headers({"content-type": "application/json"}),
            });
            if (!answer.ok) words = (await answer.json()).detail;
          } catch (problem) {
            words = problem.message;
          }
          refusal = words && server + " was not changed: " + words;
          trouble(refusal);
        }
        let refusal = "";
        function failures(endpoint) {
          const kinds = Object.values(endpoint.failures);
          return kinds.reduce((sum, one) => sum + one, endpoint.statuses["5xx"]);
        }
        const rows = new Map();
        function row(pool, endpoint) {
          const key = pool.name + "\n" + endpoint.name;
          let known = rows.get(key);
          if (!known) {
            const line = node("tr"), cells = {};
            line.dataset.endpoint = endpoint.name;
            for (const [name, style] of [["name"], ["state", "left"], ["flight"], ["rate"],
              ["failed"], ["p50", "wide"], ["p99"], ["weight"], ["action"], ["why", "why"]]) {
              cells[name] = node("td", undefined, style);
              line.append(cells[name]);
            }
            const weight = node("input", undefined, "weight");
            weight.type = "number"; weight.min = 0; weight.max = 1000;
            weight.setAttribute("aria-label", "weight of " + endpoint.name);
            weight.addEventListener("change", () => {
              if (weight.value === "" || !weight.checkValidity()) return;
              change(pool.name, endpoint.name, {weight: Number(weight.value)});
            });
            cells.weight.append(weight);
            const button = node("button");
            button.addEventListener("click", () => {
              change(pool.name, endpoint.name, {state: button.dataset.next});
            });
            cells.action.append(button);
            known = {line, cells, weight, button};
            rows.set(key, known);
          }
          const {cells, weight, button} = known;
          cells.name.textContent = endpoint.name;
          cells.state.textContent = endpoint.state;
          cells.state.className = "left " + kind(endpoint.state);
          cells.why.className = endpoint.recent.remark ? "why held" : "why";
          cells.flight.textContent = number(endpoint["in-flight"]);
          cells.rate.textContent = number(endpoint.recent.rate);
          cells.failed.textContent = number(failures(endpoint));
          cells.p50.textContent = time(endpoint.recent.p50);
          cells.p99.textContent = time(endpoint.recent.p99);
          cells.why.textContent = why(endpoint);
          if (document.activeElement !== weight) weight.value = endpoint.weight;
          const isOut = endpoint.state === "drain" || endpoint.state === "down";
          button.dataset.next = isOut ? "ready" : "drain";
          button.textContent = isOut ? "Make ready" : "Drain";
          button.setAttribute("aria-label", button.textContent + " " + endpoint.name);
          return known.line;
        }
        let taken = null;
        const cards = new Map();
        function showPools(pools) {
          const names = new Set(pools.map(pool => pool.name));
          const keys = new Set(pools.flatMap(
            pool => pool.endpoints.map(endpoint => pool.name + "\n" + endpoint.name)));
          for (const [name, card] of cards) {
            if (names.has(name)) continue;
            card.box.remove();
            cards.delete(name);
          }
          for (const key of rows.keys()) if (!keys.has(key)) rows.delete(key);
          for (const pool of pools) {
            let card = cards.get(pool.name);
            if (!card) {
              const box = node("div", undefined, "pool");
              const title = node("h3"), scroll = node("div", undefined, "scroll");
              const table = node("table"), head = node("tr");
              for (const [name, style] of [["Server"], ["State", "left"], ["In flight"],
                ["Requests/s"], ["Failed"], ["Median", "wide"], ["99 %"], ["Weight"], [""],
                ["Why", "left"]]) {
                const cell = node("th", name, style);
                cell.scope = "col";
                head.append(cell);
              }
              table.append(head);
              scroll.append(table);
              box.append(title, scroll);
              $("pools").append(box);
              card = {box, title, table, head};
              cards.set(pool.name, card);
            }
            const up = pool.endpoints.filter(one => one.state === "up").length;
            card.title.textContent = pool.name + ", " + pool.strategy + ": " + up + " of "
              + pool.endpoints.length + " up"
              + (pool.panic ? "; too few are healthy, so health is ignored" : "")
              + (pool.queue ? "; " + pool.queue + " requests wait" : "");
            card.title.className = pool.panic || up < pool.endpoints.length ? "note" : "";
            const lines = pool.endpoints.map(endpoint => row(pool, endpoint));
            const shown = [...card.table.children].slice(1);
            if (lines.length !== shown.length || lines.some((one, at) => one !== shown[at])) {
              card.table.replaceChildren(card.head, ...lines);
            }
          }
        }

        function trouble(text) {
          $("trouble").textContent = text || "";
          $("trouble").hidden = !text;
        }
        function take(block) {
          let name = "message", data = "", id = null;
          for (const line of block.split("\n")) {
            if (line.startsWith("event: ")) name = line.slice(7);
            if (line.startsWith("data: ")) data += line.slice(6);
            if (line.startsWith("id: ")) id = line.slice(4);
          }
          if (!data) return;
          if (name === "stats") show(JSON.parse(data));
          else if (id !== lastEvent) { lastEvent = id; happened(JSON.parse(data)); }
        }
        async function follow() {
          try {
            const answer = await fetch("/events?stats", {
              headers: headers({"last-event-id": lastEvent}),
            });
            if (answer.status === 401) {
              $("login").hidden = false;
              $("process").textContent = "a token is needed";
              $("token").focus();
              return;
            }
            if (!answer.ok) throw new Error((await answer.json()).detail);
            $("login").hidden = true;
            trouble("");
            const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            let text = "";
            while (true) {
              const {value, done} = await reader.read();
              if (done) throw new Error("the connection ended");
              clearTimeout(quiet);
              quiet = setTimeout(() => trouble("nothing has come for 5 s"), 5000);
              text += value;
              const blocks = text.split("\n\n");
              text = blocks.pop();
              blocks.forEach(take);
              if (blocks.length) trouble(refusal);
            }
          } catch (problem) {
            clearTimeout(quiet);
            trouble("no statistics: " + problem.message + "; trying again");
            setTimeout(follow, 1000);
          }
        }
        $("login").addEventListener("submit", event => {
          event.preventDefault();
          token = $("token").value.trim();
          follow();
        });
        async function showConfig() {
          if (!$("config-box").open) return;
          try {
            const answer = await fetch("/config", {headers: headers()});
            if (answer.ok) $("config").textContent = await answer.text();
          } catch (problem) {
            $("config").textContent = "not to be had: " + problem.message;
          }
        }
        $("config-box").addEventListener("toggle", showConfig);
        follow();
        """#
}
