/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Public ssh keys as ssh-keygen(1) wrote them, but for the sk- ones: they are the others' numbers
 * with an application, which ssh-keygen -l reads.  Whose private halves nobody has. */

/* clang-format off */
#define KEY_ED25519                                                                                \
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2EK"                   \
        "q5zZAsKn0E"
#define KEY_ECDSA_256                                                                              \
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAA"                   \
        "BBBNWO0TCP+GHEM2bzejD9yQWqZTxAKE0WwP/S3hTI1hEKF2SYYp0M8pOR3lu/0Q3FfIrW"                   \
        "elGHDcgAaRQduXobuTU="
#define KEY_ECDSA_384                                                                              \
        "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAA"                   \
        "BhBC1uxn6ZlS/93v9g4PUJsTdMOOqK+yd03H8/Xay9/h9akJKrqa9SbK1fCOJJzIy+acB5"                   \
        "WiM/PIInDKTtmcbDVR7bbjBVQHdHq5ZAK8yKar7qmaPmsaf7kFOpxfafu6M1qw=="
#define KEY_ECDSA_521                                                                              \
        "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAA"                   \
        "CFBAGgRGA8ORGFvD7y/mUhvzDMf8Z5GA2tn2k4ftHRbj711F6LZEJMdUqbseAR5J9xIjv5"                   \
        "C2Baold8Ru0hM/po9wLmIwA5oklv2W73UCtSarzLmZgDfADk7kftZUsKVNe6ZSGD2zzTr2"                   \
        "spfrya5fLCsTQgpW5mFUi7KtHF4sf9BGHqo2LRFg=="
#define KEY_RSA_1024                                                                               \
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCkrM3wyjnu1zoptah1T093PvkaRXiIj2"                   \
        "g0mahVGhomHSyS9CKbu4YtkxORv/UNuzbdfnZbgr3AQXP6ELA0HlAWSzOIREzP7QEQHq0Q"                   \
        "5y6H77ul5PXLiBeVE8l+X8AZCXA711Z/+gAPTZQ4KQSfzUUKuah3B6rg8A5V9Y7FhgvVWw"                   \
        "=="
#define KEY_RSA_2048                                                                               \
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCu23qRWBZ1yJDOKDzpphObaLNhS8Kc7u"                   \
        "zSbAgX8ZwwVnXDMEMlWweD/IseL2PPV0tb99+5J7IOzqA51Ro2NVTYVWlxyN2ZHmajSjUZ"                   \
        "yrk/pNZSSLBNNF8bitIpsnNQAMDNH5shvIwPg4v1s+U9nVfIGKKkBXwWCGQjkQcCbTtI4N"                   \
        "yhs9QFMQ2IZ2rJipY4/tJ1AHa37qcbCEEAajSyAVnw+NM47OaTU0JAIEMAtoTnw6pDfElw"                   \
        "7WYReRsUfPs7wdVPC/auubTl3naePNjHboYuaB2HzQ5m9VsTYtmbn1bGFhomcWXAA+4E/I"                   \
        "vXCPlPS0WAaW7pzVzuX+Z9vuOjr67X"
#define KEY_RSA_3072                                                                               \
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCjEBz4XPDHhIOLaSDToIiAJj4dYiV64I"                   \
        "Bwy8zu5jr9V8TMCk5RhfOFRXlo9akpTCayEXUokEFyycqR8eNC+wqDAhd5Hc/lzc9QyWLV"                   \
        "5cUby2ezXBbeWlwEWyGF+lALeE5orhp6UbWqN8z1hvyY3GcW90V8l2UI5F7fMELASbN3D9"                   \
        "l5JOIY6DnjEBmwJAiddhEcPlEebQ6P/6iI4eg4305hteDi3swhj6BXDjAOUOvUvnTOA6rA"                   \
        "zFGOBi9TOC+i2Rw+vZzn1ABhbx9yHKytV85vEoCh2/RTKPGUccmm0T16z7gkPlOQfczTtF"                   \
        "lIqx8tuCR7bonDpugVotlNt3FoFB8XujTPaWKwzVIX6L1ldHz3whU84hMuN/GWUTwwFJZf"                   \
        "TJuF+qdC559XWRob9tEeEm95WsBYwTpYEpdyHR0lo45XknrZLrKsii7to+2bfgzJhr6bFL"                   \
        "KJ5qlItf91oH2L0gFX5r/V3QpX5SozzaNf/VflKj4K0HMpjM+M9QKrbsNvwf0="
#define KEY_RSA_4096                                                                               \
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAACAQC6ldIhIrVp6j12jyv7lh3pGsqf21zN0g"                   \
        "ZZb3tBiFiR/HZMf9e4m0di6OlJbjrZJZCPLaqwQWazhc1CS7FW4nS9e30f14yvE8qXOWkE"                   \
        "ZsWJwG59xW/6Gb1oC+2uFex1aOQMQs/znYPJuJAXOGMPmHXd81l825S15Eeh+terlrR1t7"                   \
        "gkFncv0jLBDycqAXqG9/+MaOVhdcJ0bg+Lp25vm611WgUxdLU/2fRDxPrszYUhPUzJFoj4"                   \
        "zY5Lx2CqXBdMkZlt5W50ji/2xsyJeWwBW/zTpeqkeAPyYNkt8g2F8LxLTCRZBGH2/jIxeG"                   \
        "OS80T0F1plSkdsOHNR/uQbVQrz/lD0hZoX7QSnfDIeHYhfeMrpDARCNmULHFM4xQzWwWli"                   \
        "+So2uhi6OyKjf8PtCEi1LHsTQzT9QwvtE94bAgJkUde9S8FK///kbSPauFRS8sld8Uvtwf"                   \
        "5HLU0DdUFPWTuJPY7hw0eliXpJYGS691RrjnX33yYfZx5AGkyFxPDn28tH60OrRzmuzCAm"                   \
        "J1zQhGd4WTExUH82rmNXK4Ml1erem3HgKoFRweQilDD8X2U+SSnmbsThu7mZgj2G9VKc0f"                   \
        "aMH5gJX33BD/D9zuX0qFPAuxbdasYuRJlDrOLrlKFUWgzuj+o5hVWEvUz9EIx+hcha8gFC"                   \
        "eCG7IguSmoxhBUjVSYYrbw=="
#define KEY_SK_ED25519                                                                             \
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAA"                   \
        "AIAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2EKq5zZAsKn0EAAAABHNzaDo="
#define KEY_SK_ECDSA                                                                               \
        "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZ"                   \
        "Ab3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBNWO0TCP+GHEM2bzejD9yQWqZTxAKE0Ww"                   \
        "P/S3hTI1hEKF2SYYp0M8pOR3lu/0Q3FfIrWelGHDcgAaRQduXobuTUAAAAEc3NoOg=="
#define KEY_ED25519_CERT                                                                           \
        "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZ"                   \
        "W5zc2guY29tAAAAIJ8pV8TDzEtbk/sk0UrtZy/QvGnq96N+f3+36ATHLqk4AAAAIAJy9Bq"                   \
        "isl0a82lzXptklP/7vkZ6Vtz2EKq5zZAsKn0EAAAAAAAAAAAAAAABAAAABWFsaWNlAAAAC"                   \
        "QAAAAVhbGljZQAAAAAAAAAA//////////8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcnd"                   \
        "hcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtc"                   \
        "G9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1"                   \
        "yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACB3/Z5cavLPrPTnj1zS4ExgIz6OP"                   \
        "SLxUIygVW0km3jKGgAAAFMAAAALc3NoLWVkMjU1MTkAAABAnDHTDi3G+x9IU7uGiNmaM6d"                   \
        "kqqJMsNM3X5xGkprbDjqGlwGbUI0GFuk6qr7TJeWCjA0Ium50zo7En3dFw/SfCg=="
#define KEY_RSA_3072_CERT                                                                          \
        "ssh-rsa-cert-v01@openssh.com AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb"                   \
        "20AAAAgRtODSBiCcryrJVMik6mzdFn+yRQgkgBWqzp4sF+kwTYAAAADAQABAAABgQCjEBz"                   \
        "4XPDHhIOLaSDToIiAJj4dYiV64IBwy8zu5jr9V8TMCk5RhfOFRXlo9akpTCayEXUokEFyy"                   \
        "cqR8eNC+wqDAhd5Hc/lzc9QyWLV5cUby2ezXBbeWlwEWyGF+lALeE5orhp6UbWqN8z1hvy"                   \
        "Y3GcW90V8l2UI5F7fMELASbN3D9l5JOIY6DnjEBmwJAiddhEcPlEebQ6P/6iI4eg4305ht"                   \
        "eDi3swhj6BXDjAOUOvUvnTOA6rAzFGOBi9TOC+i2Rw+vZzn1ABhbx9yHKytV85vEoCh2/R"                   \
        "TKPGUccmm0T16z7gkPlOQfczTtFlIqx8tuCR7bonDpugVotlNt3FoFB8XujTPaWKwzVIX6"                   \
        "L1ldHz3whU84hMuN/GWUTwwFJZfTJuF+qdC559XWRob9tEeEm95WsBYwTpYEpdyHR0lo45"                   \
        "XknrZLrKsii7to+2bfgzJhr6bFLKJ5qlItf91oH2L0gFX5r/V3QpX5SozzaNf/VflKj4K0"                   \
        "HMpjM+M9QKrbsNvwf0AAAAAAAAAAAAAAAEAAAAFYWxpY2UAAAAJAAAABWFsaWNlAAAAAAA"                   \
        "AAAD//////////wAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAAAAAXc"                   \
        "GVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvcndhcmRpbmc"                   \
        "AAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAADnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAzA"                   \
        "AAAC3NzaC1lZDI1NTE5AAAAIHf9nlxq8s+s9OePXNLgTGAjPo49IvFQjKBVbSSbeMoaAAA"                   \
        "AUwAAAAtzc2gtZWQyNTUxOQAAAECT+fiCIjAUshHVKrHE2ioPmiZ6yj9e1RqNlo/1/pNHQ"                   \
        "acrNS8rZCQEx7tBMVXxQJpEm8kUODz5cPLA/pKjQAID"
#define KEY_SK_ED25519_CERT                                                                        \
        "sk-ssh-ed25519-cert-v01@openssh.com AAAAI3NrLXNzaC1lZDI1NTE5LWNlcnQtdj"                   \
        "AxQG9wZW5zc2guY29tAAAAIPKv3IKRhhYoBIAb+I9wT36BjxVVNFdvcIqDk24c70dVAAAA"                   \
        "IAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2EKq5zZAsKn0EAAAABHNzaDoAAAAAAAAAAAAAAA"                   \
        "EAAAAFYWxpY2UAAAAJAAAABWFsaWNlAAAAAAAAAAD//////////wAAAAAAAACCAAAAFXBl"                   \
        "cm1pdC1YMTEtZm9yd2FyZGluZwAAAAAAAAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAA"                   \
        "AAAAAAFnBlcm1pdC1wb3J0LWZvcndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAA"                   \
        "DnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIHf9nlxq8s"                   \
        "+s9OePXNLgTGAjPo49IvFQjKBVbSSbeMoaAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEBzs77f"                   \
        "vu5jM9aoR4pEtdiVLicaLgNYNwoL4HGg6KRInDvvwMByggEYgkA7o+2y96o0YaqJRvdD2F"                   \
        "/3cfUEODEE"
#define KEY_SK_ECDSA_CERT                                                                          \
        "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAK3NrLWVjZHNhLXNoYTItbm"                   \
        "lzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgZe1vrAlX0md2pwSw8GiJHaoVEIS0"                   \
        "Bn3LxFxO+ApBY3MAAAAIbmlzdHAyNTYAAABBBNWO0TCP+GHEM2bzejD9yQWqZTxAKE0WwP"                   \
        "/S3hTI1hEKF2SYYp0M8pOR3lu/0Q3FfIrWelGHDcgAaRQduXobuTUAAAAEc3NoOgAAAAAA"                   \
        "AAAAAAAAAQAAAAVhbGljZQAAAAkAAAAFYWxpY2UAAAAAAAAAAP//////////AAAAAAAAAI"                   \
        "IAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2Fy"                   \
        "ZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQ"                   \
        "AAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAg"                   \
        "d/2eXGryz6z0549c0uBMYCM+jj0i8VCMoFVtJJt4yhoAAABTAAAAC3NzaC1lZDI1NTE5AA"                   \
        "AAQK9XjWFffHWQh+1dvApoBEfCsQV5gKH59uthz9qpXkaFR5lcA+AXJJtHuruIz9wbiRBR"                   \
        "dVRUrZNALzEwugH/uwU="
/* clang-format on */
