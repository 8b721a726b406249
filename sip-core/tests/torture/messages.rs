//! The messages themselves.

/// A message by the name that its RFC gives it.
pub type Named = (&'static str, &'static [u8]);

macro_rules! messages {
    ($name:ident, $count:literal, $folder:literal: $($message:literal)*) => {
        pub const $name: [Named; $count] = [$((
            $message,
            include_bytes!(concat!("../torture/", $folder, "/", $message, ".dat")),
        )),*];
    };
}

// RFC 4475 §3.1.1 and §3.1.2, §3.2, §3.3, §3.4, in its order.
messages!(RFC4475, 49, "rfc4475":
    "wsinv" "intmeth" "esc01" "escnull" "esc02" "lwsdisp" "longreq" "dblreq" "semiuri" "transports" "mpart01" "unreason" "noreason"
    "badinv01" "clerr" "ncl" "scalar02" "scalarlg" "quotbal" "ltgtruri" "lwsruri" "lwsstart" "trws" "escruri" "baddate" "regbadct"
    "badaspec" "baddn" "badvers" "mismatch01" "mismatch02" "bigcode"
    "badbranch"
    "insuf" "unkscm" "novelsc" "unksm2" "bext01" "invut" "regaut01" "multi01" "mcl01" "bcast" "zeromf" "cparam01" "cparam02"
    "regescrt" "sdp01"
    "inv2543"
);

// RFC 5118 §4, in its order.
messages!(RFC5118, 12, "rfc5118":
    "ipv6-good" "ipv6-bad" "port-ambiguous" "port-unambiguous" "via-received-param-with-delim" "via-received-param-no-delim"
    "ipv6-in-sdp" "mult-ip-in-header" "mult-ip-in-sdp" "ipv4-mapped-ipv6" "ipv6-bug-abnf-3-colons" "ipv6-correct-abnf-2-colons"
);
