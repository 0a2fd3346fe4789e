import CLinux
import Configuration
import TLS

/// What is wrong with the files of a `tls`: pair, chain, expiry, names, authorities.
///
/// For `LoadOptions.inspectTLS`, so that `weir check` says it at the file's line.
@Sendable
public func inspectCertificates(_ material: TLSMaterial) -> [TLSProblem] {
    var problems: [TLSProblem] = []
    let now = weir_realtime_ns() / 1_000_000_000
    for (index, pair) in material.pairs.enumerated() {
        let report = CertificateReport(
            TLSServerOptions.Certificate(
                chain: pair.certificate.bytes,
                key: pair.key.bytes,
                passphrase: pair.passphrase?.bytes,
                staple: pair.staple?.bytes
            ),
            now: now
        )
        for finding in report.findings {
            // Whom it names matters only to those who ask a server for its name.
            if material.role == .client, finding.kind == .noNames { continue }
            problems.append(problem(finding, pair, index))
        }
    }
    if let authority = material.authority,
        let text = CertificateReport.problem(ofAuthorities: authority.bytes)
    {
        problems.append(
            TLSProblem(
                part: .authority,
                severity: .error,
                message: "\(authority.name): \(text)",
                remedy: "give certificates in PEM"
            )
        )
    }
    if let lists = material.revocations,
        let found = CertificateReport.problem(ofRevocations: lists.bytes, now: now)
    {
        problems.append(
            TLSProblem(
                part: .revocations,
                severity: found.isError ? .error : .warning,
                message: "\(lists.name): \(found.text)",
                remedy: found.isError
                    ? "give the authority's revocation lists in PEM" : "fetch the next list"
            )
        )
    }
    return problems
}

private func problem(
    _ finding: CertificateReport.Finding,
    _ pair: TLSMaterial.Pair,
    _ index: Int
) -> TLSProblem {
    let part: TLSProblem.Part
    let name: String
    switch finding.part {
    case .certificate: (part, name) = (.certificate(index), pair.certificate.name)
    case .key: (part, name) = (.key(index), pair.key.name)
    case .passphrase: (part, name) = (.passphrase(index), pair.passphrase?.name ?? "")
    case .staple: (part, name) = (.staple(index), pair.staple?.name ?? "")
    }
    return TLSProblem(
        part: part,
        severity: finding.isError ? .error : .warning,
        message: name.isEmpty ? finding.text : "\(name): \(finding.text)",
        remedy: finding.remedy
    )
}
