#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    eaters::eat("command", data);
});
