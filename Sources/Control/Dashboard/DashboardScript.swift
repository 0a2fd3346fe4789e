/// What the dashboard does: it follows `/events?stats` and shows what comes.
enum DashboardScript {
    static let text = #"""
        "use strict";
        const $ = id => document.getElementById(id);
        // Two minutes of two a second.
        const kept = 240;
        const series = {rate: [], p50: [], p99: [], errors: []};
        let token = null, lastEvent = "", quiet = null;

        function headers(more) {
          return token ? {...more, authorization: "Bearer " + token} : {...more};
        }
        function node(name, text, kind) {
          const one = document.createElement(name);
          if (text !== undefined) one.textContent = text;
          if (kind) one.className = kind;
          return one;
        }
        function time(seconds) {
          if (seconds === null || seconds === undefined) return "–";
          if (seconds >= 1) return seconds.toFixed(2) + " s";
          if (seconds >= 0.001) return (seconds * 1e3).toFixed(1) + " ms";
          return Math.round(seconds * 1e6) + " µs";
        }
        function number(value) {
          if (value === null || value === undefined) return "–";
          if (value >= 1e7) return (value / 1e6).toFixed(1) + " M";
          if (value >= 1e4) return (value / 1e3).toFixed(1) + " k";
          return value >= 100 || Number.isInteger(value) ? String(Math.round(value))
            : value.toFixed(1);
        }
        function bytes(value) {
          const units = ["B", "KiB", "MiB", "GiB", "TiB"];
          let unit = 0;
          while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
          return (unit ? value.toFixed(1) : value) + " " + units[unit];
        }
        function span(seconds) {
          const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24;
          const minutes = Math.floor(seconds / 60) % 60;
          if (days) return days + " d " + hours + " h";
          if (hours) return hours + " h " + minutes + " min";
          return minutes ? minutes + " min" : Math.floor(seconds) + " s";
        }
        function clock(seconds) { return new Date(seconds * 1000).toLocaleTimeString(); }

        function plot(id, values) {
          const most = Math.max(...values.filter(one => one !== null), 1e-9);
          let path = "", pen = "M";
          values.forEach((value, index) => {
            if (value === null) { pen = "M"; return; }
            const x = 240 - (values.length - 1 - index) * 240 / (kept - 1);
            path += pen + x.toFixed(1) + " " + (57 - 54 * value / most).toFixed(1);
            pen = "L";
          });
          const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
          line.setAttribute("d", path);
          $(id).replaceChildren(line);
        }
        function push(name, value, text) {
          const values = series[name];
          values.push(value);
          if (values.length > kept) values.shift();
          $(name).textContent = text;
          plot(name + "-plot", values);
        }

        function table(id, columns, rows) {
          const head = node("tr");
          columns.forEach(([name, kind]) => {
            const cell = node("th", name, kind);
            cell.scope = "col";
            head.append(cell);
          });
          const lines = rows.map(row => {
            const line = node("tr");
            row.forEach((text, index) => line.append(node("td", text, columns[index][1])));
            return line;
          });
          $(id).replaceChildren(head, ...lines);
        }

        function show(stats) {
          const recent = stats.total.recent;
          $("process").textContent = "version " + stats.version + ", pid " + stats.pid + ", "
            + stats.state + " for " + span(stats.uptime) + ", " + bytes(stats.memory)
            + " of memory, " + number(stats.total.requests) + " requests";
          push("rate", recent.rate, number(recent.rate));
          push("p50", recent.p50, time(recent.p50));
          push("p99", recent.p99, time(recent.p99));
          push("errors", recent.errors, (recent.errors * 100).toFixed(1) + " %");
          showPools(stats.pools);
          if (stats.reload.taken !== taken) {
            taken = stats.reload.taken;
            showConfig();
          }
          table("listeners", [["Listener"], ["Address", "left wide"], ["Connections"],
            ["Requests/s"], ["Requests"], ["5xx"], ["Handshakes", "wide"]],
            stats.listeners.map(one => [one.name, one.address, number(one.connections),
              number(one.recent.rate), number(one.requests), number(one.statuses["5xx"]),
              number(one.handshakes)]));
          const routes = stats.routes.filter(one => one.name !== null || one.requests > 0);
          table("routes", [["Route"], ["Pool", "left wide"], ["Requests"], ["4xx"], ["5xx"],
            ["Median"], ["99 %"]],
            routes.map(one => [one.name === null ? "no route" : one.name, one.pool || "–",
              number(one.requests), number(one.statuses["4xx"]), number(one.statuses["5xx"]),
              time(one.latency && one.latency.p50), time(one.latency && one.latency.p99)]));
          table("workers", [["Worker"], ["Clients"], ["Requests"], ["Server connections"],
            ["Longest turn"], ["Buffers"]],
            stats.workers.map(one => [String(one.worker), number(one.clients),
              number(one.requests), number(one["server-connections"]),
              time(one["longest-turn"]), bytes(one["buffer-bytes"])]));
        }

        function happened(event) {
          const list = $("events");
          const line = node("li");
          line.append(node("time", clock(event.time)),
            node("b", event.event + " "),
            document.createTextNode((event.endpoint ? event.endpoint + " " : "")
              + "in pool " + event.pool + ": " + event.reason
              + (event.duration ? ", for " + span(event.duration) : "")));
          const none = list.querySelector(".none");
          if (none) none.remove();
          list.prepend(line);
          while (list.children.length > 200) list.lastChild.remove();
        }
        """#
}
