// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "micro",
    dependencies: [.package(name: "weir", path: "../..")],
    targets: [
        .target(name: "CEviction"),
        .executableTarget(
            name: "micro",
            dependencies: [
                "CEviction",
                .product(name: "HTTP", package: "weir"),
                .product(name: "Routing", package: "weir"),
                .product(name: "Balancing", package: "weir"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
