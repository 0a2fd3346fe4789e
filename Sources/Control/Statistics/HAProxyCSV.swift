import Proxy

/// What `GET /stats;csv` answers: the columns of HAProxy's statistics, so that tools built for them
/// work (HAProxy's management guide, section 9.1).
struct HAProxyCSV {
    /// The columns, in HAProxy's order, as far as its version 2.0 has them.
    static let columns =
        "pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,"
        + "wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,"
        + "throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,"
        + "check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,"
        + "req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,"
        + "lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime"

    let report: ServiceReport
    let process: ProcessReport

    /// The whole text.
    var text: String {
        var lines = ["# " + Self.columns + ","]
        for (index, listener) in report.listeners.enumerated() {
            lines.append(line(frontend(listener, index)))
        }
        for (index, pool) in report.pools.enumerated() {
            let number = report.listeners.count + index
            for (place, endpoint) in pool.endpoints.enumerated() {
                lines.append(line(server(endpoint, of: pool, number, place)))
            }
            lines.append(line(backend(pool, number)))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func line(_ values: [String: String]) -> String {
        Self.columns.split(separator: ",")
            .map { values[String($0)] ?? "" }
            .joined(separator: ",") + ","
    }

    /// A name without what would part it from its line.
    private static func name(_ text: String) -> String {
        String(text.map { ",\"\n\r".contains($0) ? "_" : $0 })
    }

    private func frontend(_ listener: ServiceReport.Listener, _ index: Int) -> [String: String] {
        var values = traffic(listener.traffic)
        values["pxname"] = Self.name(listener.name)
        values["svname"] = "FRONTEND"
        values["scur"] = String(listener.connections.active)
        values["stot"] = String(listener.connections.connections)
        values["status"] = process.isDraining ? "STOP" : "OPEN"
        values["type"] = "0"
        values["iid"] = String(index + 1)
        values["sid"] = "0"
        values["ereq"] = String(
            listener.traffic.count(.badRequest, .headTooLarge, .targetTooLong, .headTimeout)
        )
        return values
    }

    private func backend(_ pool: ServiceReport.Pool, _ index: Int) -> [String: String] {
        var values = traffic(pool.traffic)
        values["pxname"] = Self.name(pool.name)
        values["svname"] = "BACKEND"
        values["qcur"] = String(pool.queue)
        values["scur"] = String(pool.endpoints.reduce(0) { $0 + $1.inFlight })
        values["stot"] = String(pool.traffic.requests)
        values["lbtot"] = String(pool.endpoints.reduce(0) { $0 + $1.totals.tries })
        values["status"] = pool.healthyWeight > 0 || pool.isInPanic ? "UP" : "DOWN"
        values["weight"] = String(pool.healthyWeight)
        values["act"] = String(pool.endpoints.count { $0.isUp && $0.priority == 0 })
        values["bck"] = String(pool.endpoints.count { $0.isUp && $0.priority > 0 })
        values["type"] = "1"
        values["iid"] = String(index + 1)
        values["sid"] = "0"
        values["econ"] = String(
            pool.endpoints.reduce(0) { $0 + $1.totals.connectFailures }
        )
        return values
    }

    private func server(
        _ endpoint: ServiceReport.Endpoint,
        of pool: ServiceReport.Pool,
        _ index: Int,
        _ place: Int
    ) -> [String: String] {
        let totals = endpoint.totals
        var values = statuses(totals.statuses)
        values["pxname"] = Self.name(pool.name)
        values["svname"] = Self.name(endpoint.name)
        values["qcur"] = "0"
        values["scur"] = String(endpoint.inFlight)
        values["stot"] = String(totals.tries)
        values["lbtot"] = values["stot"]
        values["bin"] = String(totals.bytesIn)
        values["bout"] = String(totals.bytesOut)
        values["econ"] = String(totals.connectFailures)
        values["eresp"] = String(totals.resets + totals.timeouts + totals.badAnswers)
        values["status"] = Self.status(endpoint.state)
        values["weight"] = String(endpoint.weight)
        values["act"] = endpoint.priority == 0 ? "1" : "0"
        values["bck"] = endpoint.priority == 0 ? "0" : "1"
        values["lastchg"] = endpoint.since.map { String(Int(max(0, process.time - $0))) }
        values["type"] = "2"
        values["pid"] = "1"
        values["iid"] = String(index + 1)
        values["sid"] = String(place + 1)
        if totals.answers > 0 {
            values["rtime"] = String(totals.answerTime / totals.answers / 1_000_000)
        }
        return values
    }

    private func traffic(_ traffic: TrafficTotals) -> [String: String] {
        var values = statuses(traffic.statuses)
        values["bin"] = String(traffic.bytesIn)
        values["bout"] = String(traffic.bytesOut)
        values["req_tot"] = String(traffic.requests)
        values["wretr"] = String(traffic.retries)
        values["cli_abrt"] = String(traffic.count(.clientAborted))
        values["srv_abrt"] = String(traffic.count(.upstreamReset))
        values["dreq"] = "0"
        values["dresp"] = "0"
        values["pid"] = "1"
        if traffic.durations.total > 0 {
            values["ttime"] = String(traffic.duration / traffic.durations.total / 1_000_000)
        }
        return values
    }

    private func statuses(_ statuses: [UInt64]) -> [String: String] {
        var values = ["hrsp_other": String(statuses[0])]
        for digit in 1...5 { values["hrsp_\(digit)xx"] = String(statuses[digit]) }
        return values
    }

    /// HAProxy's word for a state.
    private static func status(_ state: String) -> String {
        switch state {
        case "up": "UP"
        case "drain": "DRAIN"
        case "down": "MAINT"
        default: "DOWN"
        }
    }
}

extension TrafficTotals {
    /// How many ended in one of these.
    func count(_ outcomes: Outcome...) -> UInt64 {
        outcomes.reduce(0) { $0 &+ self.outcomes[Int($1.rawValue)] }
    }
}
