import Configuration

/// Stands in for someone who knows certificates: a file `certificate NAME` and a file `key NAME`
/// are a pair, the name `soon` ends soon, and `nobody` is no authority.
enum FakeCertificates {
    /// What is wrong with the files.
    @Sendable
    static func problems(_ material: TLSMaterial) -> [TLSProblem] {
        var problems: [TLSProblem] = []
        for (index, pair) in material.pairs.enumerated() {
            let name = words(pair.certificate).last
            if words(pair.key).last != name {
                problems.append(
                    TLSProblem(
                        part: .key(index),
                        severity: .error,
                        message: "\(pair.key.name) is not the key of \(pair.certificate.name)",
                        remedy: "name the key that the certificate was made for"
                    )
                )
            }
            if name == "soon" {
                problems.append(
                    TLSProblem(
                        part: .certificate(index),
                        severity: .warning,
                        message: "\(pair.certificate.name) ends in 3 days",
                        remedy: "renew it"
                    )
                )
            }
        }
        if let authority = material.authority, words(authority) == ["nobody"] {
            problems.append(
                TLSProblem(
                    part: .authority,
                    severity: .error,
                    message: "\(authority.name) holds no certificate",
                    remedy: "write a file of certificates in PEM"
                )
            )
        }
        return problems
    }

    private static func words(_ file: TLSMaterial.File) -> [Substring] {
        String(decoding: file.bytes, as: UTF8.self).split { $0.isWhitespace }
    }
}

/// Remembers what files of a `tls` it was shown, and finds nothing wrong.
final class SeenMaterial: @unchecked Sendable {
    // Unchecked: a test loads one configuration after the other.
    private(set) var all: [TLSMaterial] = []

    /// Takes note of them.
    func add(_ material: TLSMaterial) -> [TLSProblem] {
        all.append(material)
        return []
    }
}
