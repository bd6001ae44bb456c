/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled bpf/gate.bpf.c, so that the program that loads it need not look for a file. */
	.section .rodata
	.balign 8
	.global sl_gate_object, sl_gate_object_end
sl_gate_object:
	.incbin SL_GATE_OBJECT
sl_gate_object_end:
	.section .note.GNU-stack,"",@progbits
