// SPDX-License-Identifier: MIT
// The core, as the stub carries it: what tools/mkcore makes.
  .section .core_image, "a"
  .balign 4
  .incbin CORE_IMAGE
