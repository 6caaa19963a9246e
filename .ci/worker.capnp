using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(
    name = "main",
    worker = (
      compatibilityDate = "2026-01-01",
      modules = [
        (name = "worker.mjs", esModule = embed "worker.mjs"),
        (name = "strict.wasm", wasm = embed "strict.wasm"),
        (name = "relaxed.wasm", wasm = embed "relaxed.wasm"),
      ],
    ),
  )],
);
