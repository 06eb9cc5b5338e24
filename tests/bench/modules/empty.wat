;; The least a module can be and still see each request: what entering a VM once costs.
(module
  (memory (export "memory") 1)
  ;; Nothing that returns data is ever called, so whatever the host is given is never written to.
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) i32.const 1024)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) i32.const 1)
  (func (export "proxy_on_configure") (param i32 i32) (result i32) i32.const 1)
  ;; 0 is Continue.
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) i32.const 0))
