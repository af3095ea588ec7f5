/* SPDX-License-Identifier: MIT */
/* false: fails. */

int main(void)
{
	return 1;
}
