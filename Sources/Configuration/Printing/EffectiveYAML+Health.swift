import Health

extension EffectivePrinter {
    /// `health` of a pool.
    func checks(_ checks: CheckOptions?, _ yaml: inout YAMLText) {
        guard let checks else {
            yaml.line(PoolKeys.health.name, "off")
            return
        }
        yaml.section(PoolKeys.health.name) { yaml in
            switch checks.question {
            case .tcp: yaml.line(HealthKeys.kind.name, "tcp")
            case .http(let question): self.question(question, &yaml)
            case .grpc(let service):
                yaml.line(HealthKeys.kind.name, "grpc")
                yaml.line(HealthKeys.service.name, text(service))
            }
            if let port = checks.port { yaml.line(HealthKeys.port.name, String(port)) }
            yaml.line(HealthKeys.every.name, time(checks.every))
            yaml.line(HealthKeys.timeout.name, time(checks.timeout))
            yaml.line(HealthKeys.everyChanging.name, time(checks.everyChanging))
            yaml.line(HealthKeys.everyDown.name, time(checks.everyDown))
            switch checks.rule {
            case .consecutive(let rise, let fall):
                yaml.line(HealthKeys.rise.name, String(rise))
                yaml.line(HealthKeys.fall.name, String(fall))
            case .window(let bad, let of):
                yaml.line(HealthKeys.window.name, "\(bad) of \(of)")
            }
            yaml.line(HealthKeys.initial.name, checks.isInitiallyUp ? "up" : "down")
        }
    }

    private func question(_ question: HTTPQuestion, _ yaml: inout YAMLText) {
        yaml.line(HealthKeys.kind.name, "http")
        yaml.line(HealthKeys.path.name, text(question.path))
        yaml.line(HealthKeys.method.name, YAMLText.scalar(question.method))
        if let host = question.host { yaml.line(HealthKeys.host.name, text(host)) }
        if !question.headers.isEmpty {
            yaml.section(HealthKeys.headers.name) { yaml in
                for field in question.headers {
                    let written = config.written.texts[field.value] ?? field.value
                    let isShown = shown(field.name, written) == written
                    yaml.line(field.name, isShown ? text(field.value) : quoted(SecretFields.hidden))
                }
            }
        }
        yaml.line(HealthKeys.status.name, statuses(question.statuses))
        if let body = question.body { yaml.line(HealthKeys.body.name, text(body)) }
    }

    /// `ejection` of a pool.
    func ejection(_ ejection: EjectionOptions?, _ yaml: inout YAMLText) {
        guard let ejection else {
            yaml.line(PoolKeys.ejection.name, "off")
            return
        }
        yaml.section(PoolKeys.ejection.name) { yaml in
            let failures = count(ejection.consecutiveFailures, otherwise: "off")
            yaml.line(EjectionKeys.consecutiveFailures.name, failures)
            let causes = [
                ("connect-failure", ejection.onConnectFailure), ("reset", ejection.onReset),
                ("timeout", ejection.onTimeout),
            ]
            yaml.line(EjectionKeys.causes.name, words(causes))
            yaml.line(EjectionKeys.status.name, statuses(ejection.statuses))
            successRate(ejection.successRate, &yaml)
            outlier(ejection.outlier, &yaml)
            yaml.line(EjectionKeys.baseTime.name, time(ejection.baseTime))
            yaml.line(EjectionKeys.maxTime.name, time(ejection.maxTime))
            yaml.line(EjectionKeys.maxShare.name, Quantity.text(share: ejection.maxShare))
        }
    }

    private func successRate(_ rate: EjectionOptions.SuccessRate?, _ yaml: inout YAMLText) {
        guard let rate else {
            yaml.line(EjectionKeys.successRate.name, "off")
            return
        }
        yaml.section(EjectionKeys.successRate.name) { yaml in
            yaml.line(SuccessRateKeys.below.name, Quantity.text(share: rate.below))
            yaml.line(SuccessRateKeys.window.name, time(rate.window))
            yaml.line(SuccessRateKeys.minRequests.name, String(rate.minRequests))
        }
    }

    private func outlier(_ outlier: EjectionOptions.Outlier?, _ yaml: inout YAMLText) {
        guard let outlier else {
            yaml.line(EjectionKeys.outlier.name, "off")
            return
        }
        yaml.section(EjectionKeys.outlier.name) { yaml in
            let deviations = outlier.deviations.map(Quantity.text(factor:)) ?? "off"
            yaml.line(OutlierKeys.deviations.name, deviations)
            let slow = outlier.slowFactor.map(Quantity.text(factor:)) ?? "off"
            yaml.line(OutlierKeys.slowFactor.name, slow)
            yaml.line(OutlierKeys.minServers.name, String(outlier.minServers))
            yaml.line(OutlierKeys.minRequests.name, String(outlier.minRequests))
        }
    }

    /// `breaker` of a pool; what servers have as the pool has it is left out.
    func breaker(_ breaker: BreakerOptions, _ yaml: inout YAMLText) {
        yaml.line(BreakerKeys.maxConnections.name, count(breaker.pool.maxConnections))
        yaml.line(BreakerKeys.maxRequests.name, count(breaker.pool.maxRequests))
        yaml.line(BreakerKeys.maxPending.name, String(breaker.maxPending))
        yaml.line(BreakerKeys.queueTimeout.name, time(breaker.queueTimeout))
        yaml.section(BreakerKeys.perServer.name) { yaml in
            let each = breaker.perServer
            yaml.line(ServerBreakerKeys.maxConnections.name, count(each.maxConnections))
            yaml.line(ServerBreakerKeys.maxRequests.name, count(each.maxRequests))
            yaml.line(ServerBreakerKeys.maxPending.name, count(breaker.perServerMaxPending))
            if let timeout = breaker.perServerQueueTimeout {
                yaml.line(ServerBreakerKeys.queueTimeout.name, time(timeout))
            }
        }
    }

    /// `retries` of a pool or a route, without the budget that only pools have.
    func retries(_ retries: RetryOptions, _ yaml: inout YAMLText) {
        yaml.line(RetryKeys.attempts.name, String(retries.attempts))
        let causes = [
            ("connect-failure", retries.onConnectFailure),
            ("reset-before-answer", retries.onResetBeforeAnswer), ("timeout", retries.onTimeout),
        ]
        yaml.line(RetryKeys.causes.name, words(causes))
        yaml.line(RetryKeys.status.name, statuses(retries.statuses))
        let tryTimeout = retries.tryTimeout.map(Quantity.text(duration:)) ?? "response"
        yaml.line(RetryKeys.tryTimeout.name, tryTimeout)
        yaml.line(RetryKeys.timeout.name, time(retries.timeout))
        yaml.section(RetryKeys.backoff.name) { yaml in
            yaml.line(BackoffKeys.base.name, time(retries.backoffBase))
            yaml.line(BackoffKeys.max.name, time(retries.backoffMax))
        }
        yaml.line(RetryKeys.buffer.name, size(retries.buffer))
        yaml.line(RetryKeys.idempotencyKey.name, String(retries.heedsIdempotencyKey))
    }

    /// `retries.budget` of a pool.
    func budget(_ budget: BudgetOptions?, _ yaml: inout YAMLText) {
        guard let budget else {
            yaml.line(RetryKeys.budget.name, "none")
            return
        }
        yaml.section(RetryKeys.budget.name) { yaml in
            yaml.line(BudgetKeys.share.name, Quantity.text(share: budget.share))
            let min = budget.perSecond > 0 ? Quantity.text(rate: budget.perSecond) : "off"
            yaml.line(BudgetKeys.min.name, min)
        }
    }

    /// `fallback` of a pool or a route.
    func fallback(_ fallback: FallbackConfig?, _ yaml: inout YAMLText) {
        switch fallback {
        case nil:
            yaml.line(PoolKeys.fallback.name, "none")
        case .pool(let index):
            let name = config.pools.indices.contains(index) ? config.pools[index].name : ""
            yaml.section(PoolKeys.fallback.name) { yaml in
                yaml.line(FallbackKeys.pool.name, YAMLText.scalar(name))
            }
        case .respond(let answer):
            yaml.section(PoolKeys.fallback.name) { yaml in
                yaml.section(FallbackKeys.respond.name) { self.answer(answer, &$0) }
            }
        }
    }

    /// `resolver` of a pool.
    func resolver(_ resolver: ResolverConfig, _ yaml: inout YAMLText) {
        let servers = resolver.servers.map { text($0.description) }
        let list = servers.isEmpty ? "system" : YAMLText.list(servers)
        yaml.line(ResolverKeys.servers.name, list)
        yaml.line(ResolverKeys.minTTL.name, time(resolver.minTTL))
        yaml.line(ResolverKeys.maxTTL.name, time(resolver.maxTTL))
        yaml.line(ResolverKeys.timeout.name, time(resolver.timeout))
        yaml.line(ResolverKeys.family.name, resolver.family.rawValue)
    }

    /// The words that count, or `off`.
    private func words(_ words: [(String, Bool)]) -> String {
        let counted = words.filter(\.1).map(\.0)
        return counted.isEmpty ? "off" : YAMLText.list(counted)
    }

    /// The codes, whole classes as such, or `off`.
    private func statuses(_ statuses: StatusSet) -> String {
        var texts: [String] = []
        for first in 2...5 {
            let codes = (first * 100...first * 100 + 99).filter(statuses.contains)
            texts += codes.count == 100 ? ["\(first)xx"] : codes.map(String.init)
        }
        texts += statuses.calls.map { "\($0.name)" }
        return texts.isEmpty ? "off" : YAMLText.list(texts)
    }
}
